//! A lane: one stream of a source, from the chosen channels to the inference queue.

use std::time::{Duration, Instant};

use vocald_client::message::{GapReason, StateChange};

use crate::audio::{
    AudioFormat, CaptureInstant, ChannelChoice, ChannelError, ChannelFault, ChannelMap,
    ChannelWatch,
};
use crate::decision::Decider;
use crate::frontend::resample::ResampleError;
use crate::frontend::{CaptureTime, WindowLength};
use crate::inference::{NewDecider, Note, StreamItem, StreamSender, WorkerGone};
use crate::pipeline::feed_options::Opening;
use crate::pipeline::stream::Stream;

/// A stream of a source and its way to inference.
pub(super) struct Lane {
    /// The channel that it is, unless it is the mean of some.
    channel: Option<u16>,
    choice: ChannelChoice,
    sender: StreamSender,
    window: WindowLength,
    /// Factor of the samples.
    gain: f32,
    /// How long after their arrival windows are due; `None`: they can wait.
    budget: Option<Duration>,
    /// `None` until the first sound.
    sound: Option<Sound>,
}

struct Sound {
    map: ChannelMap,
    watch: ChannelWatch,
    stream: Stream,
    mono: Vec<f32>,
}

/// Why a stream cannot start with a source's format.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Channels(#[from] ChannelError),
    #[error(transparent)]
    Rate(#[from] ResampleError),
    #[error(transparent)]
    Gone(#[from] WorkerGone),
}

impl Lane {
    pub fn new(
        channel: Option<u16>,
        choice: ChannelChoice,
        opening: Opening,
        budget: Option<Duration>,
    ) -> Self {
        Self {
            channel,
            choice,
            sender: opening.sender,
            window: opening.window,
            gain: factor(opening.gain_db),
            budget,
            sound: None,
        }
    }

    pub fn channel(&self) -> Option<u16> {
        self.channel
    }

    pub fn set_budget(&mut self, budget: Duration) {
        self.budget = Some(budget);
    }

    pub fn set_gain(&mut self, gain_db: f32) {
        self.gain = factor(gain_db);
    }

    /// From the next window on the stream is decided on by `decider`.
    pub fn set_decider(&self, decider: Box<Decider>) -> Result<(), WorkerGone> {
        self.note(Note::Decider(Box::new(NewDecider {
            decider: *decider,
            same_network: true,
        })))
    }

    /// Passes what follows on to another network, after all that came before is decided on.
    pub fn reopen(&mut self, open: impl FnOnce() -> Opening) {
        self.sender.drain();
        let opening = open();
        self.sender = opening.sender;
        self.window = opening.window;
        self.set_gain(opening.gain_db);
        if let Some(sound) = &mut self.sound {
            sound.stream.set_window(self.window);
        }
    }

    /// Nothing more comes. Waits until all that came is decided on.
    pub fn close(self) {
        let _ = self.note(Note::Over);
        self.sender.drain();
    }

    /// Stream time of the next sample, in seconds; `None` before the first format is known.
    pub fn position_s(&self) -> Option<f64> {
        Some(self.sound.as_ref()?.stream.position_s())
    }

    /// Prepares for the format of the source, its first or another.
    pub fn start(&mut self, format: AudioFormat) -> Result<(), StartError> {
        let map = ChannelMap::new(&self.choice, format.channels)?;
        let watch = map.watch(format.rate_hz);
        let Some(sound) = &mut self.sound else {
            self.sound = Some(Sound {
                map,
                watch,
                stream: Stream::new(format.rate_hz, self.window)?,
                mono: Vec::new(),
            });
            return Ok(());
        };
        sound.map.log_silenced("before the reconnection");
        sound.map = map;
        sound.watch = watch;
        // The first block will show how long the source was away.
        for item in sound.stream.change_rate(format.rate_hz)? {
            self.sender.send(item)?;
        }
        Ok(())
    }

    /// Mixes interleaved samples, of which the last was captured at `end`, and sends the windows they complete.
    pub fn push(&mut self, samples: &[f32], end: CaptureTime) -> Result<(), WorkerGone> {
        let Some(sound) = &mut self.sound else {
            return Ok(());
        };
        sound.mono.clear();
        sound.map.mix(samples, &mut sound.mono);
        let faults = sound.watch.push(samples, &sound.mono);
        if self.gain != 1.0 {
            sound
                .mono
                .iter_mut()
                .for_each(|sample| *sample *= self.gain);
        }
        let due = self.budget.map(|budget| due(budget, end.arrived_s));
        for item in sound.stream.push(&sound.mono, end) {
            self.sender.send_due(item, due)?;
        }
        if let Some(change) = faults.map(running) {
            self.note(Note::State(change))?;
        }
        Ok(())
    }

    pub fn lose(&mut self, lost_frames: u64, reason: GapReason) -> Result<(), WorkerGone> {
        if let Some(sound) = &mut self.sound {
            for item in sound.stream.lose(lost_frames, reason) {
                self.sender.send(item)?;
            }
        }
        Ok(())
    }

    pub fn finish(&mut self) -> Result<(), WorkerGone> {
        if let Some(sound) = &mut self.sound {
            for item in sound.stream.finish() {
                self.sender.send(item)?;
            }
        }
        Ok(())
    }

    pub fn note(&self, note: Note) -> Result<(), WorkerGone> {
        self.sender.send(StreamItem::Note(note))
    }

    /// The next silence is noted again.
    pub fn forget_silence(&mut self) {
        if let Some(sound) = &mut self.sound {
            sound.stream.forget_silence();
        }
    }

    pub fn log_silenced(&self, label: &str) {
        if let Some(sound) = &self.sound {
            sound.map.log_silenced(label);
        }
    }
}

/// Sound flows; the reason names what is wrong with its channels.
fn running(faults: &[ChannelFault]) -> StateChange {
    let faults: Vec<String> = faults.iter().map(ChannelFault::to_string).collect();
    StateChange {
        reason: (!faults.is_empty()).then(|| faults.join("; ")),
        ..StateChange::running()
    }
}

fn factor(gain_db: f32) -> f32 {
    10f32.powf(gain_db / 20.0)
}

/// The moment `budget` after the sound arrived, at `arrived_s` of the capture clock.
fn due(budget: Duration, arrived_s: f64) -> Instant {
    let age_s = CaptureInstant::now().seconds() - arrived_s;
    let age = Duration::try_from_secs_f64(age_s).unwrap_or_default();
    let now = Instant::now();
    // An overdue window is dropped, however long it is overdue.
    now.checked_add(budget)
        .and_then(|due| due.checked_sub(age))
        .unwrap_or(now)
}
