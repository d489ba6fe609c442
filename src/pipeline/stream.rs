//! One stream of mono sound on its way to windows: resampled, cut, dated, its losses and its
//! silences told. The daemon and `detect` both feed their sound through here, so that a file gives
//! the same windows in both.

use crate::frontend::resample::{ResampleError, Resampler};
use crate::frontend::window::{Window, WindowLength, Windower};
use crate::frontend::{HOP_SAMPLES, SAMPLE_RATE_HZ};

/// So much of nothing but digital zeros is a muted or unplugged input, not a rest in the music:
/// any analogue input has noise.
const SILENT_AFTER_S: u64 = 2;
/// What levels below are told as: digital silence has no level in dB.
const LEVEL_FLOOR_DB: f32 = -120.0;

/// What a stream gives to those after it, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamItem {
    Window(CapturedWindow),
    Note(Note),
}

/// A window, and when its last sample was captured.
#[derive(Debug, Clone, PartialEq)]
pub struct CapturedWindow {
    pub window: Window,
    /// Unix time of the window's last sample, in seconds.
    pub end_unix_s: f64,
    /// Of the sound that is new in this window.
    pub level: Level,
}

/// How loud a stretch of sound is, in dB of full scale, -120 at the least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    pub rms_db: f32,
    pub peak_db: f32,
}

/// What happens to a stream beside its windows.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Sound comes in.
    Running,
    /// Nothing but digital zeros comes in.
    Silent,
    /// The source is there but delivers nothing.
    Stalled { reason: String },
    /// The source is gone and is being looked for.
    Reconnecting { reason: String },
    /// Sound is missing from stream time `t_s` on.
    Lost {
        t_s: f64,
        lost_s: f64,
        cause: LossCause,
    },
    /// The source came to its end; `reason` where that was not its own doing.
    Ended { reason: Option<String> },
    /// The source failed for good.
    Failed { reason: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// The ring between capture and frontend was full.
    RingFull,
    /// The device delivered nothing for that long, by the clock.
    Device,
}

/// Cuts one stream. Its time starts with its first sample and counts lost sound.
pub struct Stream {
    resampler: Resampler,
    windower: Windower,
    resampled: Vec<f32>,
    /// Where the present rate's count of frames begins, in samples at 22 050 Hz.
    origin_samples: u64,
    /// Frames since then, lost ones included, at the source's rate.
    frames: u64,
    /// Unix time at stream time 0, by the newest block: what turns stream time into Unix time.
    start_unix_s: f64,
    level: LevelMeter,
    zeros: u64,
    silent: bool,
}

impl Stream {
    /// `length` is what the network looks at.
    pub fn new(rate_hz: u32, length: WindowLength) -> Result<Self, ResampleError> {
        Ok(Self {
            resampler: Resampler::new(rate_hz)?,
            windower: Windower::new(length),
            resampled: Vec::new(),
            origin_samples: 0,
            frames: 0,
            start_unix_s: 0.0,
            level: LevelMeter::default(),
            zeros: 0,
            silent: false,
        })
    }

    /// Stream time of the next sample, in seconds.
    pub fn position_s(&self) -> f64 {
        self.origin_samples as f64 / f64::from(SAMPLE_RATE_HZ)
            + self.frames as f64 / f64::from(self.resampler.input_rate_hz())
    }

    /// Takes samples of which the last was captured at `end_unix_s`.
    pub fn push(&mut self, mono: &[f32], end_unix_s: f64, mut emit: impl FnMut(StreamItem)) {
        self.frames += mono.len() as u64;
        self.start_unix_s = end_unix_s - self.position_s();
        self.note_silence(mono, &mut emit);
        self.resampler.push(mono, &mut self.resampled);
        self.cut(&mut emit);
    }

    /// `lost_frames` of the source are missing before its next sample.
    pub fn lose(&mut self, lost_frames: u64, cause: LossCause, mut emit: impl FnMut(StreamItem)) {
        self.break_off(&mut emit);
        let t_s = self.position_s();
        self.frames += lost_frames;
        let lost_s = self.position_s() - t_s;
        self.resume();
        emit(StreamItem::Note(Note::Lost { t_s, lost_s, cause }));
    }

    /// The source comes back, perhaps with another rate. What it missed is told by
    /// [`Stream::lose`]; until then nothing must be pushed.
    pub fn change_rate(
        &mut self,
        rate_hz: u32,
        mut emit: impl FnMut(StreamItem),
    ) -> Result<(), ResampleError> {
        let resampler = Resampler::new(rate_hz)?;
        self.break_off(&mut emit);
        self.origin_samples = self.place_samples();
        self.frames = 0;
        self.resampler = resampler;
        self.resume();
        Ok(())
    }

    /// The streams were told that sound comes in: silence must be told anew.
    pub fn forget_silence(&mut self) {
        self.silent = false;
    }

    /// The sound is over: gives the windows that the resampler still held back.
    pub fn finish(&mut self, mut emit: impl FnMut(StreamItem)) {
        self.break_off(&mut emit);
    }

    /// Gives what can be had of the sound so far.
    fn break_off(&mut self, emit: &mut impl FnMut(StreamItem)) {
        self.resampler.flush(&mut self.resampled);
        self.cut(emit);
    }

    /// Starts afresh at the position reached.
    fn resume(&mut self) {
        let lost = self
            .place_samples()
            .saturating_sub(self.windower.position_samples());
        self.windower.gap(lost);
    }

    /// The position in samples at 22 050 Hz. It is worked out from all frames since the origin,
    /// so that the rounding of many losses does not add up.
    fn place_samples(&self) -> u64 {
        let rate = u128::from(self.resampler.input_rate_hz());
        let samples = (u128::from(self.frames) * u128::from(SAMPLE_RATE_HZ) + rate / 2) / rate;
        self.origin_samples
            .saturating_add(u64::try_from(samples).unwrap_or(u64::MAX))
    }

    fn cut(&mut self, emit: &mut impl FnMut(StreamItem)) {
        // In steps no longer than from window to window, so that a level belongs to its window.
        for step in self.resampled.chunks(HOP_SAMPLES) {
            self.level.add(step);
            let (level, start_unix_s) = (&mut self.level, self.start_unix_s);
            self.windower.push(step, |window| {
                let end_s = window.end_sample() as f64 / f64::from(SAMPLE_RATE_HZ);
                emit(StreamItem::Window(CapturedWindow {
                    window,
                    end_unix_s: start_unix_s + end_s,
                    level: level.take(),
                }));
            });
        }
        self.resampled.clear();
    }

    fn note_silence(&mut self, mono: &[f32], emit: &mut impl FnMut(StreamItem)) {
        match mono.iter().rposition(|&x| x != 0.0) {
            None => self.zeros += mono.len() as u64,
            Some(last) => self.zeros = (mono.len() - 1 - last) as u64,
        }
        let silent = self.zeros >= SILENT_AFTER_S * u64::from(self.resampler.input_rate_hz());
        // A block that ends in silence may have held sound, but only a long one.
        if silent != self.silent {
            self.silent = silent;
            emit(StreamItem::Note(if silent {
                Note::Silent
            } else {
                Note::Running
            }));
        }
    }
}

#[derive(Default)]
struct LevelMeter {
    sum_of_squares: f64,
    samples: u64,
    peak: f32,
}

impl LevelMeter {
    fn add(&mut self, samples: &[f32]) {
        for &x in samples {
            self.sum_of_squares += f64::from(x) * f64::from(x);
            self.peak = self.peak.max(x.abs());
        }
        self.samples += samples.len() as u64;
    }

    fn take(&mut self) -> Level {
        let Self {
            sum_of_squares,
            samples,
            peak,
        } = std::mem::take(self);
        let rms = (sum_of_squares / samples.max(1) as f64).sqrt() as f32;
        let db = |amplitude: f32| (20.0 * amplitude.log10()).max(LEVEL_FLOOR_DB);
        Level {
            rms_db: db(rms),
            peak_db: db(peak),
        }
    }
}
