//! The streams of one source: each the mean of some of its channels, all with the same times.

use std::ops::ControlFlow;
use std::time::Duration;

use vocald_client::message::{GapReason, StateChange};

use crate::audio::{AudioFormat, ChannelChoice};
use crate::frontend::CaptureTime;
use crate::inference::{Note, WorkerGone};
use crate::pipeline::feed_options::{FeedChange, FeedEnd, FeedOptions, Mixing, Opening};
use crate::pipeline::lane::{Lane, StartError};

/// `Break` ends the source.
pub(super) type Flow<T = ()> = ControlFlow<FeedEnd, T>;

/// The streams, and how further ones are opened.
pub(super) struct Lanes<O> {
    open: O,
    /// How long after their arrival windows are due; `None`: they can wait.
    budget: Option<Duration>,
    lanes: Vec<Lane>,
    /// Shows the state of the source as long as the number of its streams is unknown.
    stand_in: Option<Lane>,
}

impl<O: FnMut(Option<u16>) -> Opening> Lanes<O> {
    /// Opens the streams that do not depend on how many channels the source turns out to have.
    pub fn new(options: &FeedOptions, open: O) -> Self {
        let mut lanes = Self {
            open,
            budget: options.budget,
            lanes: Vec::new(),
            stand_in: None,
        };
        match &options.mixing {
            Mixing::Mean(choice) => lanes.open_lane(None, choice.clone()),
            Mixing::Each(ChannelChoice::Only(channels)) => lanes.open_channels(channels),
            Mixing::Each(ChannelChoice::All) if options.stand_in => {
                let opening = (lanes.open)(None);
                lanes.stand_in = Some(Lane::new(None, ChannelChoice::All, opening, None));
            }
            Mixing::Each(ChannelChoice::All) => {}
        }
        lanes
    }

    fn open_channels(&mut self, channels: &[u16]) {
        for &channel in channels {
            self.open_lane(Some(channel), ChannelChoice::Only(vec![channel]));
        }
    }

    fn open_lane(&mut self, channel: Option<u16>, choice: ChannelChoice) {
        let opening = (self.open)(channel);
        let lane = Lane::new(channel, choice, opening, self.budget);
        self.lanes.push(lane);
    }

    /// Changes the streams between two blocks.
    pub fn change(&mut self, change: FeedChange) -> Flow {
        match change {
            FeedChange::Decider { channel, decider } => {
                match self.all().find(|lane| lane.channel() == channel) {
                    Some(lane) => flow(lane.set_decider(decider)),
                    None => ControlFlow::Continue(()),
                }
            }
            FeedChange::Gain { channel, gain_db } => {
                let lanes = self.all().filter(|lane| lane.channel() == channel);
                lanes.for_each(|lane| lane.set_gain(gain_db));
                ControlFlow::Continue(())
            }
            FeedChange::Budget(budget) => {
                self.budget = Some(budget);
                self.lanes
                    .iter_mut()
                    .for_each(|lane| lane.set_budget(budget));
                ControlFlow::Continue(())
            }
            FeedChange::Network => {
                for lane in self.lanes.iter_mut().chain(&mut self.stand_in) {
                    let channel = lane.channel();
                    lane.reopen(|| (self.open)(channel));
                }
                ControlFlow::Continue(())
            }
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.lanes.iter_mut().chain(&mut self.stand_in)
    }

    /// Nothing more comes. Waits until all that came is decided on.
    pub fn close(self) {
        self.lanes
            .into_iter()
            .chain(self.stand_in)
            .for_each(Lane::close);
    }

    /// Prepares the streams for `format`, their first or another. The inner error is a sentence for people.
    pub fn start(&mut self, format: AudioFormat) -> Flow<Result<(), String>> {
        if self.lanes.is_empty() {
            let channels: Vec<u16> = (1..=format.channels).collect();
            self.open_channels(&channels);
            if let Some(stand_in) = self.stand_in.take() {
                let reason = "each of its channels is a stream now";
                let over = Note::State(StateChange::ended(Some(reason.into())));
                flow(stand_in.note(over))?;
                stand_in.close();
            }
        }
        for lane in &mut self.lanes {
            match lane.start(format) {
                Ok(()) => {}
                Err(StartError::Gone(WorkerGone)) => return ControlFlow::Break(FeedEnd::Refused),
                Err(error) => return ControlFlow::Continue(Err(error.to_string())),
            }
        }
        ControlFlow::Continue(Ok(()))
    }

    /// Stream time of the next sample, in seconds; `None` before the first format is known.
    pub fn position_s(&self) -> Option<f64> {
        self.lanes.first().and_then(Lane::position_s)
    }

    /// Mixes interleaved samples, of which the last was captured at `end`.
    pub fn push(&mut self, samples: &[f32], end: CaptureTime) -> Flow {
        self.each(|lane| lane.push(samples, end))
    }

    /// These frames are missing before the next sample.
    pub fn lose(&mut self, lost_frames: u64, reason: GapReason) -> Flow {
        self.each(|lane| lane.lose(lost_frames, reason))
    }

    /// Sound flows: the next silence is noted again.
    pub fn resume(&mut self) -> Flow {
        self.each(|lane| {
            lane.note(Note::State(StateChange::running()))?;
            lane.forget_silence();
            Ok(())
        })
    }

    /// No sound flows: an open voice ends with the sound.
    pub fn pause(&mut self, change: &StateChange) -> Flow {
        self.each(|lane| {
            if let Some(end_s) = lane.position_s() {
                lane.note(Note::SoundEnd(end_s))?;
            }
            lane.note(Note::State(change.clone()))
        })
    }

    /// The sound is over, or has failed.
    pub fn finish(&mut self, change: &StateChange) -> Flow {
        self.each(|lane| {
            lane.finish()?;
            lane.note(Note::State(change.clone()))
        })
    }

    /// Logs the samples that were no numbers.
    pub fn log_silenced(&self, label: &str) {
        self.lanes.iter().for_each(|lane| lane.log_silenced(label));
    }

    fn each(&mut self, act: impl FnMut(&mut Lane) -> Result<(), WorkerGone>) -> Flow {
        flow(self.all().try_for_each(act))
    }
}

fn flow(sent: Result<(), WorkerGone>) -> Flow {
    match sent {
        Ok(()) => ControlFlow::Continue(()),
        Err(WorkerGone) => ControlFlow::Break(FeedEnd::Refused),
    }
}
