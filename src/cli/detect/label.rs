//! One file through the stages: the same ones, in the same order, as in `run`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender};

use super::progress::FileProgress;
use crate::audio::{AudioFormat, ChannelChoice, ChannelMap, Decoder};
use crate::decision::{Horizon, Tracker};
use crate::frontend::WindowLength;
use crate::frontend::stream::{Note, Stream, StreamItem};
use crate::inference::worker::StreamSender;
use crate::inference::{Intake, WhenBehind};
use crate::model::Metadata;
use crate::publish::event::{Decision, Offset, Onset, StreamState};
use crate::publish::{Message, Reporter};

/// What was found in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    pub input: PathBuf,
    pub model: String,
    pub horizon_frames: u32,
    pub format: AudioFormat,
    pub duration_s: f64,
    /// What is wrong with the file, where something is.
    pub damage: Option<String>,
    pub decisions: Vec<Decision>,
    pub voices: Vec<Voice>,
}

/// The voice from its onset to its offset.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    pub onset: Onset,
    pub offset: Offset,
}

/// Labels files, several at a time if asked on several threads.
pub struct Labeler {
    intake: Intake,
    model: String,
    window: WindowLength,
    horizon: Horizon,
    /// A fresh one, to be cloned.
    tracker: Tracker,
}

impl Labeler {
    /// `window` is what the model looks at.
    pub fn new(
        intake: Intake,
        model: &Metadata,
        window: WindowLength,
        horizon: Horizon,
    ) -> anyhow::Result<Self> {
        let tracker = Tracker::new(horizon.point)?;
        Ok(Self {
            intake,
            model: model.name.clone(),
            window,
            horizon,
            tracker,
        })
    }

    pub fn window(&self) -> WindowLength {
        self.window
    }

    pub fn label(&self, input: &Path, progress: &FileProgress) -> anyhow::Result<Labels> {
        let mut decoder = Decoder::open(input)?;
        let format = decoder.format();
        let in_file = || input.display().to_string();
        let mut map =
            ChannelMap::new(&ChannelChoice::All, format.channels).with_context(in_file)?;
        let mut stream = Stream::new(format.rate_hz, self.window).with_context(in_file)?;
        let (sender, told) = self.open();
        let (mut mono, mut taken) = (Vec::new(), Ok(()));
        let expected_frames = decoder.duration_frames();
        let mut frames = 0;
        while let Some(block) = decoder.next_block()? {
            mono.clear();
            map.mix(block, &mut mono);
            frames += mono.len() as u64;
            let end_s = frames as f64 / f64::from(format.rate_hz);
            stream.push(&mono, end_s, |item| taken = taken.and(sender.send(item)));
            taken?;
            progress.at(frames, expected_frames);
        }
        map.log_silenced(&in_file());
        stream.finish(|item| taken = taken.and(sender.send(item)));
        taken.and(sender.send(StreamItem::Note(Note::Ended { reason: None })))?;
        drop(sender);
        let mut labels = Labels {
            input: input.into(),
            model: self.model.clone(),
            horizon_frames: self.horizon.frames,
            format,
            duration_s: frames as f64 / f64::from(format.rate_hz),
            damage: decoder.damaged().map(ToOwned::to_owned),
            decisions: Vec::new(),
            voices: Vec::new(),
        };
        collect(&mut labels, &told)?;
        Ok(labels)
    }

    /// A stream to the worker, and what its reporter tells.
    fn open(&self) -> (StreamSender, Receiver<Message>) {
        // Bounded by the length of the file, whose labels are kept as a whole anyway.
        let (tell, told): (Sender<Message>, _) = crossbeam_channel::unbounded();
        // Nobody listens when the file has failed meanwhile.
        let emit = move |message| _ = tell.send(message);
        let tracker = self.tracker.clone();
        let mut reporter = Reporter::new(String::new(), &self.horizon, tracker, false, emit);
        let handler = Box::new(move |output| reporter.handle(output));
        (self.intake.add_stream(WhenBehind::Block, handler), told)
    }
}

/// Takes what the reporter tells until it is done with the file.
fn collect(labels: &mut Labels, told: &Receiver<Message>) -> anyhow::Result<()> {
    let mut present = None;
    for message in told {
        match message {
            Message::Decision(decision) => labels.decisions.push(decision),
            Message::Onset(onset) => present = Some(onset),
            Message::Offset(offset) => {
                let onset = present.take();
                labels
                    .voices
                    .extend(onset.map(|onset| Voice { onset, offset }));
            }
            Message::State(state) if state.state == StreamState::Failed => {
                anyhow::bail!(state.reason.unwrap_or_default());
            }
            _ => {}
        }
    }
    Ok(())
}
