//! Labels one recording, through the same stages and in the same order as `run`.
//!
//! A network that needs whole recordings gets it as a whole instead.

use std::sync::{Mutex, PoisonError};

use vocald_client::Message;
use vocald_client::message::{Decision, Onset, StateChange, StreamState};

use crate::audio::StopFlag;
use crate::decision::{Decider, Horizon, PointError};
use crate::frontend::resample::{ResampleError, Resampler};
use crate::frontend::separated_mel::SEPARATED_RATE_HZ;
use crate::frontend::{CaptureTime, SAMPLE_RATE_HZ, SeparatedMel, WindowLength};
use crate::inference::offline::Prediction;
use crate::inference::worker::BLOCKING_OUTPUTS;
use crate::inference::{
    EngineError, Intake, Note, OfflineScorer, Output, StreamItem, WhenBehind, WorkerGone,
};
use crate::model::Metadata;
use crate::pipeline::decisions::StreamDecisions;
use crate::pipeline::labels::{Labels, Voice};
use crate::pipeline::recording::{Block, Input, ReadOptions, Recording, RecordingError};
use crate::pipeline::stream::Stream;

/// Why a recording cannot be labelled.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// It cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// Its sample rate cannot be converted.
    #[error("{input}: {problem}")]
    Rate {
        /// The recording.
        input: Input,
        /// What is wrong with the rate.
        problem: ResampleError,
    },
    /// The network failed.
    #[error(transparent)]
    Inference(#[from] EngineError),
    /// The inference thread has ended.
    #[error(transparent)]
    Gone(#[from] WorkerGone),
    /// The recording's stream failed, for this reason.
    #[error("{0}")]
    Failed(String),
    /// The stop flag was set.
    #[error("{0} was not labelled to its end")]
    Stopped(Input),
}

impl LabelError {
    /// Whether no further recording can be labelled.
    #[must_use]
    pub fn ends_all(&self) -> bool {
        matches!(self, Self::Inference(_) | Self::Gone(_) | Self::Failed(_))
    }
}

/// Called after every block with the seconds read so far and, where the file states it, their total.
pub type Progress<'a> = &'a dyn Fn(f64, Option<f64>);

/// Labels recordings, on as many threads at once as the caller has.
pub struct Labeler {
    network: FileNetwork,
    model: String,
    /// Fresh; cloned for every recording.
    decider: Decider,
    options: ReadOptions,
    stop: StopFlag,
}

/// The network that labels files.
pub enum FileNetwork {
    /// Windows go to the worker, as in `run`.
    Windows(Intake, WindowLength),
    /// A recording is separated on the calling thread, then passes through the network. libtorch serves one
    /// thread at a time.
    Recordings(Box<Mutex<OfflineScorer>>),
}

impl Labeler {
    /// Labels with `network`, which is `model`, at `horizon`.
    ///
    /// # Errors
    /// When the horizon's operating point is impossible.
    pub fn new(
        network: FileNetwork,
        model: &Metadata,
        horizon: Horizon,
    ) -> Result<Self, PointError> {
        let decider = Decider::new(model.new_overlap_average(), horizon)?;
        Ok(Self {
            network,
            model: model.name.clone(),
            decider,
            options: ReadOptions::default(),
            stop: StopFlag::new(),
        })
    }

    /// Reads recordings with `options`.
    #[must_use]
    pub fn with_options(self, options: ReadOptions) -> Self {
        Self { options, ..self }
    }

    /// Setting `stop` ends the labelling of every recording.
    #[must_use]
    pub fn with_stop(self, stop: StopFlag) -> Self {
        Self { stop, ..self }
    }

    /// The shortest recording that gives a decision, in words.
    fn shortest(&self) -> String {
        match &self.network {
            FileNetwork::Windows(_, window) => format!("a window ({:.3} s)", window.seconds()),
            FileNetwork::Recordings(_) => "a frame (0.046 s)".into(),
        }
    }

    /// Labels the recording `input`.
    ///
    /// # Errors
    /// When it cannot be decoded, inference fails, or the stop flag is set.
    pub fn label(&self, input: &Input, progress: Progress) -> Result<Labels, LabelError> {
        match self.label_to_end(input, progress) {
            // Whatever the reason: a pipe that is stopped ends with an error of its own.
            Err(_) if self.stop.is_stopped() => Err(LabelError::Stopped(input.clone())),
            labelled => labelled,
        }
    }

    fn label_to_end(&self, input: &Input, progress: Progress) -> Result<Labels, LabelError> {
        let mut reading = Reading {
            recording: Recording::open(input, &self.options, &self.stop)?,
            input,
            stop: &self.stop,
            progress,
        };
        let mut found = Found::default();
        let mut decisions = StreamDecisions::new("", self.decider.clone(), false);
        match &self.network {
            FileNetwork::Windows(intake, window) => {
                label_windows(intake, *window, &mut reading, &mut decisions, &mut found)?;
            }
            FileNetwork::Recordings(scorer) => {
                label_recording(scorer, &mut reading, &mut decisions, &mut found)?;
            }
        }
        if let Some(reason) = found.failed {
            return Err(LabelError::Failed(reason));
        }
        let recording = reading.recording;
        let mut warnings = recording.warnings().to_vec();
        if found.decisions.is_empty() {
            let warning = format!("shorter than {}, so without a decision", self.shortest());
            tracing::warn!("{input}: {warning}");
            warnings.push(warning);
        }
        Ok(Labels {
            input: input.clone(),
            model: self.model.clone(),
            horizon_frames: self.decider.horizon().frames,
            format: recording.format(),
            duration_s: recording.position_s(),
            damage: recording.damage().map(ToOwned::to_owned),
            warnings,
            decisions: found.decisions,
            voices: found.voices,
            speech: self.decider.horizon().speech.map(|_| found.speech),
        })
    }
}

/// A recording, with what watches over its reading.
struct Reading<'a> {
    recording: Recording,
    input: &'a Input,
    stop: &'a StopFlag,
    progress: Progress<'a>,
}

impl Reading<'_> {
    /// The next samples; `None` at the end.
    fn next_block(&mut self) -> Result<Option<Block<'_>>, LabelError> {
        if self.stop.is_stopped() {
            return Err(LabelError::Stopped(self.input.clone()));
        }
        let expected_s = self.recording.expected_s();
        let block = self.recording.next_block()?;
        if let Some(block) = &block {
            (self.progress)(block.end_s, expected_s);
        }
        Ok(block)
    }

    fn rate_hz(&self) -> u32 {
        self.recording.format().rate_hz
    }
}

fn label_windows(
    intake: &Intake,
    window: WindowLength,
    reading: &mut Reading,
    decisions: &mut StreamDecisions,
    found: &mut Found,
) -> Result<(), LabelError> {
    let input = reading.input;
    let rate_error = |problem| LabelError::Rate {
        input: input.clone(),
        problem,
    };
    let mut rate_hz = reading.rate_hz();
    let mut stream = Stream::new(rate_hz, window).map_err(rate_error)?;
    // Holds all that can be under way, so that the worker never waits for this thread while this one waits for it.
    let (outputs_in, outputs) = crossbeam_channel::bounded(BLOCKING_OUTPUTS);
    let sender = intake.add_stream("", WhenBehind::Block, outputs_in);
    let mut send = |item| {
        for ready in outputs.try_iter() {
            found.extend(decisions.push(ready.output));
        }
        sender.send(item)
    };
    let mut sent = Ok(());
    while sent.is_ok()
        && let Some(block) = reading.next_block()?
    {
        let end = CaptureTime {
            monotonic_s: block.end_s,
            arrived_s: block.end_s,
            unix_s: block.end_s,
        };
        if block.rate_hz != rate_hz {
            rate_hz = block.rate_hz;
            let mut completed = stream.continue_at(rate_hz).map_err(rate_error)?;
            sent = completed.try_for_each(&mut send);
        }
        sent = sent.and_then(|()| stream.push(block.mono, end).try_for_each(&mut send));
    }
    let ended = StreamItem::Note(Note::State(StateChange::ended(None)));
    let sent = sent
        .and_then(|()| stream.finish().try_for_each(&mut send))
        .and_then(|()| send(ended));
    drop(sender);
    for rest in outputs {
        found.extend(decisions.push(rest.output));
    }
    match found.failed {
        Some(_) => Ok(()),
        None => Ok(sent?),
    }
}

fn label_recording(
    scorer: &Mutex<OfflineScorer>,
    reading: &mut Reading,
    decisions: &mut StreamDecisions,
    found: &mut Found,
) -> Result<(), LabelError> {
    let input = reading.input;
    let new_resampler = |rate_hz| {
        Resampler::to(SEPARATED_RATE_HZ, rate_hz).map_err(|problem| LabelError::Rate {
            input: input.clone(),
            problem,
        })
    };
    let mut resampler = new_resampler(reading.rate_hz())?;
    let mut samples = Vec::new();
    while let Some(block) = reading.next_block()? {
        if block.rate_hz != resampler.input_rate_hz() {
            resampler.flush(&mut samples);
            resampler = new_resampler(block.rate_hz)?;
        }
        resampler.push(block.mono, &mut samples);
    }
    resampler.flush(&mut samples);
    let energies = SeparatedMel::new().energies(&samples);
    // As many as the resampler of the common grid would give.
    let length = reading.recording.position_s() * f64::from(SAMPLE_RATE_HZ);
    let predictions = scorer
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .score(&energies, length.round() as usize)?;
    for (seq, Prediction { t_s, p }) in (0..).zip(predictions) {
        found.extend(decisions.push_probability(seq, t_s, p, 0.0));
    }
    let ended = Output::Note(Note::State(StateChange::ended(None)));
    found.extend(decisions.push(ended));
    Ok(())
}

/// Collects the messages of a file.
#[derive(Default)]
struct Found {
    decisions: Vec<Decision>,
    voices: Vec<Voice>,
    open: Option<Onset>,
    speech: Vec<Voice>,
    open_speech: Option<Onset>,
    failed: Option<String>,
}

impl Extend<Message> for Found {
    fn extend<I: IntoIterator<Item = Message>>(&mut self, messages: I) {
        for message in messages {
            match message {
                Message::Decision(decision) => self.decisions.push(decision),
                Message::Onset(onset) => self.open = Some(onset),
                Message::Offset(offset) => {
                    let onset = self.open.take();
                    self.voices
                        .extend(onset.map(|onset| Voice { onset, offset }));
                }
                Message::SpeechOnset(onset) => self.open_speech = Some(onset),
                Message::SpeechOffset(offset) => {
                    let onset = self.open_speech.take();
                    self.speech
                        .extend(onset.map(|onset| Voice { onset, offset }));
                }
                Message::State(state) if state.state == StreamState::Failed => {
                    self.failed = Some(state.reason.unwrap_or_default());
                }
                _ => {}
            }
        }
    }
}
