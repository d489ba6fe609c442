//! Windows of log-mel frames: the input of a network, a new one every 5 frames (71.43 ms).

use crate::frontend::level::{LevelMeter, SoundLevel};
use crate::frontend::{
    FRAME_SAMPLES, HOP_SAMPLES, LogMel, MEL_BANDS, SAMPLE_RATE_HZ, WINDOW_HOP_FRAMES,
    WINDOW_HOP_SAMPLES,
};

/// Number of frames in a window. Only the lengths that a network takes exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLength {
    frames: usize,
}

impl WindowLength {
    /// SE-ResNet: 80 frames, 1.175 s from the first sample to the last.
    pub const FRAMES_80: Self = Self { frames: 80 };
    /// SCNN: 115 frames, 1.675 s.
    pub const FRAMES_115: Self = Self { frames: 115 };

    /// Frames in a window.
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

    /// Duration from a window's first sample to its last, in seconds.
    pub fn seconds(self) -> f64 {
        self.samples() as f64 / f64::from(SAMPLE_RATE_HZ)
    }

    /// Whether a window has a frame `horizon_frames` before its last.
    pub fn reaches(self, horizon_frames: u32) -> bool {
        (horizon_frames as usize) < self.frames
    }

    /// Index of the frame `horizon_frames` before the window's last; 0 where that lies before the window.
    pub fn frame_at(self, horizon_frames: u32) -> usize {
        (self.frames - 1).saturating_sub(horizon_frames as usize)
    }

    /// Stream time of the middle of the frame `horizon_frames` before the last of the window that begins at
    /// `start_sample`, in seconds.
    pub fn time_s(self, start_sample: u64, horizon_frames: u32) -> f64 {
        let frame = self.frame_at(horizon_frames);
        let sample = start_sample + (frame * HOP_SAMPLES + FRAME_SAMPLES / 2) as u64;
        sample as f64 / f64::from(SAMPLE_RATE_HZ)
    }

    /// Distance from the middle frame (the later one of an even number) to the last, in frames.
    pub fn centre_horizon_frames(self) -> u32 {
        // As small as the frames of a window are.
        (self.frames - 1 - self.frames / 2) as u32
    }
}

/// When a sample was captured, on two clocks, and when it arrived, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CaptureTime {
    /// On a monotonic clock, for durations.
    pub monotonic_s: f64,
    /// When the sample's block arrived, on the monotonic clock: later than its capture after a stall.
    pub arrived_s: f64,
    /// Unix time, for people and other programs.
    pub unix_s: f64,
}

impl CaptureTime {
    /// The time `seconds` later, or earlier where they are negative, of the same arrival.
    #[must_use]
    pub fn plus(self, seconds: f64) -> Self {
        Self {
            monotonic_s: self.monotonic_s + seconds,
            arrived_s: self.arrived_s,
            unix_s: self.unix_s + seconds,
        }
    }
}

/// Log-mel frames of one stretch of a stream: the input of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Index of the window's first sample in the stream, at 22 050 Hz, lost samples included.
    pub start_sample: u64,
    /// When the window's last sample was captured.
    pub captured: CaptureTime,
    /// Level of the sound that is new in this window.
    pub level: SoundLevel,
    /// Frames × `MEL_BANDS` log-mel values, frame after frame.
    pub log_mel: Box<[f32]>,
}

impl Window {
    /// A window of no recorded sound (warm-up, benchmarks): captured at time 0, at the lowest level.
    pub fn synthetic(start_sample: u64, log_mel: Box<[f32]>) -> Self {
        Self {
            start_sample,
            captured: CaptureTime::default(),
            level: LevelMeter::default().take(),
            log_mel,
        }
    }

    /// Its length: from the values, so that times cannot contradict the content.
    pub fn length(&self) -> WindowLength {
        WindowLength {
            frames: (self.log_mel.len() / MEL_BANDS).max(1),
        }
    }

    /// Number of the window in its stream, from 0. Windows that fell into a gap are counted too,
    /// so a jump shows how many are missing.
    pub fn seq(&self) -> u64 {
        self.start_sample / WINDOW_HOP_SAMPLES as u64
    }

    /// Index of the sample after the window's last.
    pub fn end_sample(&self) -> u64 {
        self.start_sample + self.length().samples() as u64
    }

    /// Stream time of the middle of the frame `horizon_frames` before the window's last, in seconds.
    pub fn time_s(&self, horizon_frames: u32) -> f64 {
        self.length().time_s(self.start_sample, horizon_frames)
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
    /// Index of the next window's first sample.
    window_start: u64,
    level: LevelMeter,
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
            level: LevelMeter::default(),
        }
    }

    /// Makes windows of another length from the next one on; it begins where it would have begun.
    pub fn set_length(&mut self, length: WindowLength) {
        self.length = length;
    }

    /// Appends to `windows` every window that `samples` complete. `start` is when the stream's sample 0 was captured.
    pub fn push(&mut self, mut samples: &[f32], start: CaptureTime, windows: &mut Vec<Window>) {
        while !samples.is_empty() {
            let take = samples.len().min(FRAME_SAMPLES - self.pending.len());
            let (taken, rest) = samples.split_at(take);
            self.pending.extend_from_slice(taken);
            self.level.add(taken);
            samples = rest;
            if let Ok(frame) = <&[f32; FRAME_SAMPLES]>::try_from(self.pending.as_slice()) {
                let mel = self.log_mel.frame(frame);
                self.frames.extend_from_slice(&mel);
                self.pending.drain(..HOP_SAMPLES);
                windows.extend(self.window_if_full(start));
            }
        }
    }

    /// Moves the position of the next sample on by `lost_samples`. Incomplete windows are dropped: no window
    /// spans a gap.
    pub fn gap(&mut self, lost_samples: u64) {
        let seen = self.frames.len() / MEL_BANDS * HOP_SAMPLES + self.pending.len();
        self.window_start += seen as u64 + lost_samples;
        self.pending.clear();
        self.frames.clear();
        self.level = LevelMeter::default();
    }

    /// Index of the next sample that will be pushed.
    pub fn position_samples(&self) -> u64 {
        let seen = self.frames.len() / MEL_BANDS * HOP_SAMPLES + self.pending.len();
        self.window_start + seen as u64
    }

    fn window_if_full(&mut self, start: CaptureTime) -> Option<Window> {
        if self.frames.len() < self.length.values() {
            return None;
        }
        let end_sample = self.window_start + self.length.samples() as u64;
        let window = Window {
            start_sample: self.window_start,
            captured: start.plus(end_sample as f64 / f64::from(SAMPLE_RATE_HZ)),
            level: self.level.take(),
            log_mel: self.frames.as_slice().into(),
        };
        self.frames.drain(..WINDOW_HOP_FRAMES * MEL_BANDS);
        self.window_start += WINDOW_HOP_SAMPLES as u64;
        Some(window)
    }
}
