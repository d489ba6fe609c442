//! A simulated device: plays a script of sound and faults.
//!
//! It behaves as a device does: its sound goes on by the clock. At full pace its clock is its own, so that a day passes
//! in minutes; nothing is lost then but what the script loses.

mod script;

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use vocald_client::message::StateChange;

use self::script::{Sound, Step};
use crate::audio::ring::{RingWriter, ring};
use crate::audio::{
    AudioError, AudioFormat, CaptureInstant, Decoder, Health, Pace, Source, SourceEvent,
    SourceOptions, StopFlag, UnixClock,
};

/// Length of a block, in seconds: a usual period of a sound card.
const BLOCK_S: f64 = 0.010;
/// Format until the script states another.
const FORMAT: AudioFormat = AudioFormat {
    rate_hz: 48_000,
    channels: 1,
};
const TONE_LEVEL: f64 = 0.5;

/// The step that a script has reached, for its next start. All clones share it.
#[derive(Debug, Clone, Default)]
pub struct ScriptPlace(Arc<AtomicUsize>);

impl PartialEq for ScriptPlace {
    /// A place is no setting: options that differ in it alone are the same.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A script that is played into rings.
pub(super) struct SimSource {
    label: String,
    steps: Vec<Step>,
    options: SourceOptions,
    unix: UnixClock,
}

impl SimSource {
    /// Reads the script.
    ///
    /// # Errors
    /// When it cannot be read, a step is wrong or a sound file cannot be decoded.
    pub fn open(path: &Path, options: &SourceOptions) -> Result<Self, AudioError> {
        let steps = script::read(path)?;
        for step in &steps {
            if let Step::Sound(Sound::File(file)) = step {
                Decoder::open(file)?;
            }
        }
        Ok(Self {
            label: path.display().to_string(),
            steps,
            options: options.clone(),
            unix: UnixClock::default(),
        })
    }
}

impl Source for SimSource {
    fn label(&self) -> String {
        self.label.clone()
    }

    fn unix_clock(&self) -> UnixClock {
        self.unix.clone()
    }

    fn run(self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag) {
        let place = self.options.script_place.0;
        let mut player = Player {
            pace: self.options.pace,
            ring_s: self.options.ring_s,
            unix: self.unix,
            events,
            health,
            stop,
            start: CaptureInstant::now(),
            played_s: 0.0,
            format: FORMAT,
            sound: Generator::Zeros,
            writer: None,
        };
        let mut steps = self.steps.into_iter().enumerate();
        let end = loop {
            let Some((number, step)) = steps.next() else {
                break Ok(());
            };
            // After a restart the script goes on behind the step that panicked; what sets up the sound is done again.
            let done = number < place.load(Ordering::Relaxed);
            if done && !matches!(step, Step::Sound(_) | Step::Format(_)) {
                continue;
            }
            place.fetch_max(number + 1, Ordering::Relaxed);
            match player.step(step) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(reason) => break Err(reason),
            }
        };
        // Closes the ring before the last event.
        player.writer = None;
        let _ = player.events.send(SourceEvent::State(match end {
            Ok(()) => StateChange::ended(None),
            Err(reason) => StateChange::failed(reason),
        }));
    }
}

/// What a sound is made of.
enum Generator {
    Tone {
        hz: f64,
        frame: u64,
    },
    File {
        path: PathBuf,
        decoder: Box<Decoder>,
        rest: Vec<f32>,
    },
    Zeros,
}

struct Player {
    pace: Pace,
    ring_s: f64,
    unix: UnixClock,
    events: Sender<SourceEvent>,
    health: Arc<Health>,
    stop: StopFlag,
    start: CaptureInstant,
    /// The script's own time since its start.
    played_s: f64,
    format: AudioFormat,
    sound: Generator,
    writer: Option<RingWriter>,
}

impl Player {
    /// `false` when stopped. An error is a failure for good.
    fn step(&mut self, step: Step) -> Result<bool, String> {
        match step {
            Step::Sound(sound) => {
                self.sound = match sound {
                    Sound::Tone(hz) => Generator::Tone { hz, frame: 0 },
                    Sound::Zeros => Generator::Zeros,
                    Sound::File(path) => Generator::File {
                        decoder: open(&path)?,
                        path,
                        rest: Vec::new(),
                    },
                };
                Ok(true)
            }
            Step::Play(seconds) => self.play(seconds, BLOCK_S),
            Step::Speed(factor, seconds) => self.play(seconds * factor, BLOCK_S / factor),
            Step::Stall(seconds) => {
                self.generate(seconds)?;
                Ok(self.plug_in() && self.pass(seconds))
            }
            Step::Burst(seconds) => {
                if !self.plug_in() || !self.pass(seconds) {
                    return Ok(false);
                }
                self.play(seconds, 0.0)
            }
            Step::Unplug(seconds) => {
                self.writer = None;
                self.generate(seconds)?;
                let gone = StateChange::reconnecting("the script has unplugged it");
                let listened = self.events.send(SourceEvent::State(gone)).is_ok();
                Ok(listened && self.pass(seconds) && self.plug_in())
            }
            Step::Format(format) => {
                self.writer = None;
                self.format = format;
                Ok(true)
            }
            Step::Clock(seconds) => {
                self.unix.step(seconds);
                Ok(true)
            }
            #[allow(clippy::panic)] // What the script requires.
            Step::Panic => panic!("injected by the script"),
            Step::Fail(reason) => Err(reason),
        }
    }

    /// Plays `seconds` of sound in blocks, each after `block_takes_s`.
    fn play(&mut self, seconds: f64, block_takes_s: f64) -> Result<bool, String> {
        if !self.plug_in() {
            return Ok(false);
        }
        let rate_hz = f64::from(self.format.rate_hz);
        let mut left = (seconds * rate_hz).round() as usize;
        let whole = ((rate_hz * BLOCK_S) as usize).max(1);
        while left > 0 {
            let frames = left.min(whole);
            left -= frames;
            let samples = self.generate(frames as f64 / rate_hz)?;
            let share = frames as f64 / whole as f64;
            if !self.pass(block_takes_s * share) || !self.write(&samples) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lets time pass; `false` when stopped.
    fn pass(&mut self, seconds: f64) -> bool {
        self.played_s += seconds;
        match self.pace {
            Pace::Max => !self.stop.is_stopped(),
            // Measured from the start, so that errors do not add up.
            Pace::RealTime => {
                let due = Duration::from_secs_f64(self.played_s);
                !self.stop.wait(due.saturating_sub(self.start.elapsed()))
            }
        }
    }

    /// Opens a ring, unless one is open.
    fn plug_in(&mut self) -> bool {
        if self.writer.is_some() {
            return true;
        }
        let format = self.format;
        let (writer, reader) = ring(format, self.ring_s);
        self.writer = Some(writer);
        let started = SourceEvent::Started { format, reader };
        self.events.send(started).is_ok()
    }

    fn write(&mut self, samples: &[f32]) -> bool {
        let Some(writer) = &mut self.writer else {
            return false;
        };
        let captured = self.start.after(Duration::from_secs_f64(self.played_s));
        let frames = (samples.len() / usize::from(self.format.channels)) as u64;
        let written = match self.pace {
            Pace::Max => writer.write_blocking(samples, captured, &self.stop),
            Pace::RealTime => writer.write(samples, captured),
        };
        self.health.on_block(frames, written);
        written || self.pace == Pace::RealTime
    }

    /// The next `seconds` of the sound, the same in every channel of a tone.
    fn generate(&mut self, seconds: f64) -> Result<Vec<f32>, String> {
        let AudioFormat { rate_hz, channels } = self.format;
        let channels = usize::from(channels);
        let frames = (seconds * f64::from(rate_hz)).round() as usize;
        match &mut self.sound {
            Generator::Zeros => Ok(vec![0.0; frames * channels]),
            Generator::Tone { hz, frame } => {
                let first = *frame;
                *frame += frames as u64;
                let value = |n: u64| {
                    let turns = n as f64 * *hz / f64::from(rate_hz);
                    (TONE_LEVEL * (turns.fract() * TAU).sin()) as f32
                };
                let all = (first..*frame).map(value);
                Ok(all.flat_map(|x| std::iter::repeat_n(x, channels)).collect())
            }
            Generator::File {
                path,
                decoder,
                rest,
            } => {
                if decoder.format() != self.format {
                    return Err(format!(
                        "the file has {}, the script {}: state it with a format step",
                        decoder.format(),
                        self.format
                    ));
                }
                let mut empty = false;
                while rest.len() < frames * channels {
                    match decoder.next_block().map_err(|e| e.to_string())? {
                        Some(block) => {
                            rest.extend_from_slice(block);
                            empty = false;
                        }
                        None if std::mem::replace(&mut empty, true) => {
                            return Err("the file has no sound".into());
                        }
                        // From the beginning again.
                        None => *decoder = open(path)?,
                    }
                }
                Ok(rest.drain(..frames * channels).collect())
            }
        }
    }
}

fn open(path: &Path) -> Result<Box<Decoder>, String> {
    Decoder::open(path).map(Box::new).map_err(|e| e.to_string())
}
