//! Labels one recording, through the same stages and in the same order as `run`.
//!
//! A network that needs whole recordings gets it as a whole instead.

use std::sync::{Mutex, PoisonError};

use vocald_client::Message;
use vocald_client::message::{Onset, StateChange, StreamState};

use crate::audio::StopFlag;
use crate::decision::{Decider, Horizon, PointError};
use crate::frontend::resample::{ResampleError, Resampler};
use crate::frontend::separated_mel::SEPARATED_RATE_HZ;
use crate::frontend::{SAMPLE_RATE_HZ, SeparatedMel};
use crate::inference::offline::Prediction;
use crate::inference::{EngineError, NotFinite, Note, OfflineScorer, Output, WorkerGone};
use crate::model::Metadata;
use crate::pipeline::decisions::StreamDecisions;
use crate::pipeline::file_windows::FileWindows;
use crate::pipeline::labels::{FrameDecision, Labels, Voice};
use crate::pipeline::recording::{Block, Input, ReadOptions, Recording, RecordingError};

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
    /// The network has no prediction for a window, or for the recording.
    #[error("{input}: {reason}")]
    NoPrediction {
        /// The recording.
        input: Input,
        /// Why.
        reason: NotFinite,
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
    Windows(FileWindows),
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
            FileNetwork::Windows(FileWindows { window, .. }) => {
                format!("a window ({:.3} s)", window.seconds())
            }
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
            FileNetwork::Windows(windows) => {
                windows.label(&mut reading, &mut decisions, &mut found)?;
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
pub(super) struct Reading<'a> {
    recording: Recording,
    input: &'a Input,
    stop: &'a StopFlag,
    progress: Progress<'a>,
}

impl Reading<'_> {
    /// The next samples; `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, LabelError> {
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

    pub fn input(&self) -> &Input {
        self.input
    }

    pub fn rate_hz(&self) -> u32 {
        self.recording.format().rate_hz
    }

    /// The error of a rate that cannot be converted.
    pub fn rate_error(&self, problem: ResampleError) -> LabelError {
        LabelError::Rate {
            input: self.input.clone(),
            problem,
        }
    }
}

fn label_recording(
    scorer: &Mutex<OfflineScorer>,
    reading: &mut Reading,
    decisions: &mut StreamDecisions,
    found: &mut Found,
) -> Result<(), LabelError> {
    let input = reading.input;
    let new_resampler = |rate_hz| Resampler::to(SEPARATED_RATE_HZ, rate_hz);
    let mut resampler = new_resampler(reading.rate_hz()).map_err(|e| reading.rate_error(e))?;
    let mut samples = Vec::new();
    while let Some(block) = reading.next_block()? {
        if block.rate_hz != resampler.input_rate_hz() {
            resampler.flush(&mut samples);
            resampler = new_resampler(block.rate_hz).map_err(|e| LabelError::Rate {
                input: input.clone(),
                problem: e,
            })?;
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
        .score(&energies, length.round() as usize)
        .map_err(|error| match error {
            EngineError::NotFinite(reason) => LabelError::NoPrediction {
                input: input.clone(),
                reason,
            },
            error => error.into(),
        })?;
    for (seq, Prediction { t_s, p }) in (0..).zip(predictions) {
        found.extend(decisions.push_probability(seq, t_s, p, 0.0));
    }
    let ended = Output::Note(Note::State(StateChange::ended(None)));
    found.extend(decisions.push(ended));
    Ok(())
}

/// Collects the messages of a file.
#[derive(Default)]
pub(super) struct Found {
    decisions: Vec<FrameDecision>,
    voices: Vec<Voice>,
    open: Option<Onset>,
    speech: Vec<Voice>,
    open_speech: Option<Onset>,
    pub failed: Option<String>,
}

impl Extend<Message> for Found {
    fn extend<I: IntoIterator<Item = Message>>(&mut self, messages: I) {
        for message in messages {
            match message {
                Message::Decision(decision) => self.decisions.push(FrameDecision {
                    t_s: decision.t,
                    p: decision.p,
                    voice: decision.voice,
                    speech: decision.speech_p.zip(decision.speech),
                }),
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
