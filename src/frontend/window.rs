//! Frames into windows: as many frames as the network looks at, a new window every 5.

use crate::frontend::{
    FRAME_SAMPLES, HOP_SAMPLES, LogMel, MEL_BANDS, SAMPLE_RATE_HZ, WINDOW_HOP_FRAMES,
    WINDOW_HOP_SAMPLES,
};

/// How many frames a network looks at, and so a window holds. There are no others than those of the
/// networks, and each network says which is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLength {
    frames: usize,
}

impl WindowLength {
    /// 1.175 s from its first sample to its last.
    pub const FRAMES_80: Self = Self { frames: 80 };
    /// 1.675 s.
    pub const FRAMES_115: Self = Self { frames: 115 };

    pub const fn frames(self) -> usize {
        self.frames
    }

    /// Log-mel values in a window, frame after frame.
    pub const fn values(self) -> usize {
        self.frames * MEL_BANDS
    }

    /// Samples from the first of a window to its last.
    pub const fn samples(self) -> usize {
        (self.frames - 1) * HOP_SAMPLES + FRAME_SAMPLES
    }

    pub fn seconds(self) -> f64 {
        self.samples() as f64 / f64::from(SAMPLE_RATE_HZ)
    }

    /// Whether a window has a frame so far before its last.
    pub fn reaches(self, horizon_frames: u32) -> bool {
        (horizon_frames as usize) < self.frames
    }

    /// The frame so far before the window's last, counted from its first, which stands for all
    /// that lie before the window.
    pub fn frame_at(self, horizon_frames: u32) -> usize {
        (self.frames - 1).saturating_sub(horizon_frames as usize)
    }

    /// How far the middle frame (of an even number the later one) lies before the last.
    pub fn centre_horizon_frames(self) -> u32 {
        // As small as the frames of a window are.
        (self.frames - 1 - self.frames / 2) as u32
    }
}

/// Log-mel frames, ready for a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Place of the window's first sample in the stream, at 22 050 Hz, lost samples counted.
    pub start_sample: u64,
    /// Frames × `MEL_BANDS` log-mel values, frame after frame.
    pub log_mel: Box<[f32]>,
}

impl Window {
    /// Its frames are counted, so that its times cannot contradict what it holds.
    fn length(&self) -> WindowLength {
        WindowLength {
            frames: (self.log_mel.len() / MEL_BANDS).max(1),
        }
    }

    /// Counts the windows of a stream from 0. Those that a gap swallowed are counted too,
    /// so that a jump tells how much is missing.
    pub fn seq(&self) -> u64 {
        self.start_sample / WINDOW_HOP_SAMPLES as u64
    }

    /// Place of the sample after the window's last.
    pub fn end_sample(&self) -> u64 {
        self.start_sample + self.length().samples() as u64
    }

    /// Stream time of the middle of the frame `horizon_frames` before the window's last, in seconds.
    pub fn time_s(&self, horizon_frames: u32) -> f64 {
        let frame = self.length().frame_at(horizon_frames);
        let sample = self.start_sample + (frame * HOP_SAMPLES + FRAME_SAMPLES / 2) as u64;
        sample as f64 / f64::from(SAMPLE_RATE_HZ)
    }

    /// The window's newest log-mel frame.
    pub fn newest_frame(&self) -> &[f32] {
        &self.log_mel[self.log_mel.len().saturating_sub(MEL_BANDS)..]
    }
}

/// Middle of a frame, in seconds from the start of its recording.
pub fn frame_time_s(frame: usize) -> f64 {
    (frame * HOP_SAMPLES + FRAME_SAMPLES / 2) as f64 / f64::from(SAMPLE_RATE_HZ)
}

/// How far the frame of a horizon lies before the end of its window, in seconds:
/// `horizon_frames` hops and half a frame.
pub fn lookahead_s(horizon_frames: u32) -> f64 {
    (f64::from(horizon_frames) * HOP_SAMPLES as f64 + FRAME_SAMPLES as f64 / 2.0)
        / f64::from(SAMPLE_RATE_HZ)
}

/// The incremental frontend: samples at 22 050 Hz in, windows out. Every frame is computed
/// once, and the windows do not depend on how the samples were cut into blocks.
pub struct Windower {
    length: WindowLength,
    log_mel: LogMel,
    /// Samples from the start of the next frame on.
    pending: Vec<f32>,
    /// Frames from the start of the next window on.
    frames: Vec<f32>,
    /// Place of the next window's first sample.
    window_start: u64,
}

impl Windower {
    /// Makes windows of the length that the network looks at.
    pub fn new(length: WindowLength) -> Self {
        Self {
            length,
            log_mel: LogMel::new(),
            pending: Vec::with_capacity(4 * FRAME_SAMPLES),
            frames: Vec::with_capacity(length.values()),
            window_start: 0,
        }
    }

    /// Takes samples and hands every window they complete to `emit`.
    pub fn push(&mut self, mut samples: &[f32], mut emit: impl FnMut(Window)) {
        while !samples.is_empty() {
            let take = samples.len().min(FRAME_SAMPLES - self.pending.len());
            self.pending.extend_from_slice(&samples[..take]);
            samples = &samples[take..];
            if let Ok(frame) = <&[f32; FRAME_SAMPLES]>::try_from(self.pending.as_slice()) {
                let mel = self.log_mel.frame(frame);
                self.frames.extend_from_slice(&mel);
                self.pending.drain(..HOP_SAMPLES);
                self.emit_if_full(&mut emit);
            }
        }
    }

    /// Says that the stream's next sample lies `lost_samples` further on. What was collected is
    /// dropped: no window spans a gap.
    pub fn gap(&mut self, lost_samples: u64) {
        let seen = self.frames.len() / MEL_BANDS * HOP_SAMPLES + self.pending.len();
        self.window_start += seen as u64 + lost_samples;
        self.pending.clear();
        self.frames.clear();
    }

    /// Place of the next sample that will be pushed.
    pub fn position_samples(&self) -> u64 {
        let seen = self.frames.len() / MEL_BANDS * HOP_SAMPLES + self.pending.len();
        self.window_start + seen as u64
    }

    fn emit_if_full(&mut self, emit: &mut impl FnMut(Window)) {
        if self.frames.len() == self.length.values() {
            emit(Window {
                start_sample: self.window_start,
                log_mel: self.frames.as_slice().into(),
            });
            self.frames.drain(..WINDOW_HOP_FRAMES * MEL_BANDS);
            self.window_start += WINDOW_HOP_SAMPLES as u64;
        }
    }
}
