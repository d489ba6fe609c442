//! One stream of mono sound: resampled, cut into windows, dated; its losses and silences noted.
//!
//! `run` and `detect` both pass their sound through here, so a file gives the same windows in both.

use std::vec::Drain;

use vocald_client::message::{GapReason, StateChange};

use crate::frontend::resample::{ResampleError, Resampler};
use crate::frontend::{CaptureTime, SAMPLE_RATE_HZ, Window, WindowLength, Windower};
use crate::inference::{Loss, Note, StreamItem};

/// Digital zeros for this long are a muted or unplugged input, not a rest in the music: any analogue input
/// has noise.
const SILENT_AFTER_S: u64 = 2;

/// Turns the samples of one stream into windows and notes. Stream time starts with the first sample and includes
/// lost sound.
pub struct Stream {
    resampler: Resampler,
    windower: Windower,
    resampled: Vec<f32>,
    windows: Vec<Window>,
    /// Items of the call under way.
    items: Vec<StreamItem>,
    /// Where counting at the present rate begins, in samples at 22 050 Hz.
    origin_samples: u64,
    /// Frames since then at the source's rate, lost ones included.
    frames: u64,
    /// Capture time of stream time 0, by the newest block.
    start: CaptureTime,
    /// Capture time of the newest window: none may be captured before it.
    newest: CaptureTime,
    /// Length of the present run of digital zeros, in frames of the source.
    zeros: u64,
    silent: bool,
}

impl Stream {
    /// `length` is the window of the network.
    ///
    /// # Errors
    /// When the resampler cannot convert `rate_hz`.
    pub fn new(rate_hz: u32, length: WindowLength) -> Result<Self, ResampleError> {
        Ok(Self {
            resampler: Resampler::new(rate_hz)?,
            windower: Windower::new(length),
            resampled: Vec::new(),
            windows: Vec::new(),
            items: Vec::new(),
            origin_samples: 0,
            frames: 0,
            start: CaptureTime::default(),
            newest: CaptureTime::default(),
            zeros: 0,
            silent: false,
        })
    }

    /// Stream time of the next sample, in seconds.
    pub fn position_s(&self) -> f64 {
        self.origin_samples as f64 / f64::from(SAMPLE_RATE_HZ)
            + self.frames as f64 / f64::from(self.resampler.input_rate_hz())
    }

    /// Takes samples of which the last was captured at `end`, and returns what they complete.
    pub fn push(&mut self, mono: &[f32], end: CaptureTime) -> Drain<'_, StreamItem> {
        self.frames += mono.len() as u64;
        self.start = end.plus(-self.position_s());
        self.note_silence(mono);
        self.resampler.push(mono, &mut self.resampled);
        self.cut();
        self.items.drain(..)
    }

    /// `lost_frames` of the source are missing before its next sample. Returns the windows that were complete
    /// before, then the loss.
    pub fn lose(&mut self, lost_frames: u64, reason: GapReason) -> Drain<'_, StreamItem> {
        self.flush();
        let t_s = self.position_s();
        self.frames += lost_frames;
        let lost_s = self.position_s() - t_s;
        self.resume();
        self.note(Note::Lost(Loss {
            t_s,
            lost_s,
            reason,
        }));
        self.items.drain(..)
    }

    /// The source comes back, perhaps with another rate. The time it was away is reported by [`Stream::lose`], once
    /// it is known.
    ///
    /// # Errors
    /// When the resampler cannot convert `rate_hz`; the stream is unchanged then.
    pub fn change_rate(&mut self, rate_hz: u32) -> Result<Drain<'_, StreamItem>, ResampleError> {
        self.set_rate(rate_hz)?;
        self.resume();
        Ok(self.items.drain(..))
    }

    /// The sound goes on without a pause at another rate. Windows span the change.
    ///
    /// # Errors
    /// When the resampler cannot convert `rate_hz`; the stream is unchanged then.
    pub fn continue_at(&mut self, rate_hz: u32) -> Result<Drain<'_, StreamItem>, ResampleError> {
        self.set_rate(rate_hz)?;
        Ok(self.items.drain(..))
    }

    fn set_rate(&mut self, rate_hz: u32) -> Result<(), ResampleError> {
        let resampler = Resampler::new(rate_hz)?;
        self.flush();
        self.origin_samples = self.position_samples();
        self.frames = 0;
        self.resampler = resampler;
        Ok(())
    }

    /// Makes windows of another length from the next one on.
    pub fn set_window(&mut self, length: WindowLength) {
        self.windower.set_length(length);
    }

    /// Forgets that silence was noted: subscribers were informed that sound flows.
    pub fn forget_silence(&mut self) {
        self.silent = false;
    }

    /// The sound is over: returns the windows that the resampler still held back.
    pub fn finish(&mut self) -> Drain<'_, StreamItem> {
        self.flush();
        self.items.drain(..)
    }

    /// Completes what can be completed of the sound so far.
    fn flush(&mut self) {
        self.resampler.flush(&mut self.resampled);
        self.cut();
    }

    /// Starts afresh at the position reached.
    fn resume(&mut self) {
        let lost = self
            .position_samples()
            .saturating_sub(self.windower.position_samples());
        self.windower.gap(lost);
    }

    /// The position in samples at 22 050 Hz, computed from all frames since the origin so that the rounding of
    /// many losses does not add up.
    fn position_samples(&self) -> u64 {
        let rate = u128::from(self.resampler.input_rate_hz());
        let samples = (u128::from(self.frames) * u128::from(SAMPLE_RATE_HZ) + rate / 2) / rate;
        self.origin_samples
            .saturating_add(u64::try_from(samples).unwrap_or(u64::MAX))
    }

    fn cut(&mut self) {
        self.windower
            .push(&self.resampled, self.start, &mut self.windows);
        for mut window in self.windows.drain(..) {
            // Sound that arrives in a burst was captured when it arrived, not before what came earlier.
            let CaptureTime {
                monotonic_s,
                arrived_s,
                unix_s,
            } = window.captured;
            self.newest = CaptureTime {
                monotonic_s: monotonic_s.max(self.newest.monotonic_s),
                arrived_s: arrived_s.max(self.newest.arrived_s),
                unix_s: unix_s.max(self.newest.unix_s),
            };
            window.captured = self.newest;
            self.items.push(StreamItem::Window(window));
        }
        self.resampled.clear();
    }

    fn note_silence(&mut self, mono: &[f32]) {
        match mono.iter().rposition(|&x| x != 0.0) {
            None => self.zeros += mono.len() as u64,
            Some(last) => self.zeros = (mono.len() - 1 - last) as u64,
        }
        // A block that ends in silence may have held sound, but only a long one.
        let silent = self.zeros >= SILENT_AFTER_S * u64::from(self.resampler.input_rate_hz());
        if silent != self.silent {
            self.silent = silent;
            self.note(Note::State(match silent {
                true => StateChange::silent(),
                false => StateChange::running(),
            }));
        }
    }

    fn note(&mut self, note: Note) {
        self.items.push(StreamItem::Note(note));
    }
}
