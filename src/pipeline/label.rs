//! Labels one file, through the same stages and in the same order as `run`.
//!
//! A network that needs whole recordings gets the file as a whole instead.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use vocald_client::Message;
use vocald_client::message::{Decision, Offset, Onset, StateChange, StreamState};

use crate::audio::{AudioError, AudioFormat, ChannelChoice, ChannelError, ChannelMap, Decoder};
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
use crate::pipeline::stream::Stream;

/// The labels of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The labelled file.
    pub input: PathBuf,
    /// Name of the model.
    pub model: String,
    /// The horizon that was decided at, in frames before a window's last.
    pub horizon_frames: u32,
    /// Format of the file.
    pub format: AudioFormat,
    /// Length of the decoded sound, in seconds.
    pub duration_s: f64,
    /// What is wrong with the file, if anything.
    pub damage: Option<String>,
    /// One decision every 71.43 ms.
    pub decisions: Vec<Decision>,
    /// The stretches of voice, in order.
    pub voices: Vec<Voice>,
}

/// A stretch of voice.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    /// Its beginning.
    pub onset: Onset,
    /// Its end.
    pub offset: Offset,
}

/// Why a file cannot be labelled.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// It cannot be decoded.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// Its channels cannot be mixed.
    #[error("{}: {source}", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// What is wrong with the channels.
        source: ChannelError,
    },
    /// Its sample rate cannot be converted.
    #[error("{}: {source}", path.display())]
    Rate {
        /// The file.
        path: PathBuf,
        /// What is wrong with the rate.
        source: ResampleError,
    },
    /// The network failed.
    #[error(transparent)]
    Inference(#[from] EngineError),
    /// The inference thread has ended.
    #[error(transparent)]
    Gone(#[from] WorkerGone),
    /// The file's stream failed, for this reason.
    #[error("{0}")]
    Failed(String),
}

/// Called after every block with the frames read so far and, where the file states it, their total.
pub type Progress<'a> = &'a dyn Fn(u64, Option<u64>);

/// Labels files, on as many threads at once as the caller has.
pub struct Labeler {
    network: FileNetwork,
    model: String,
    /// Fresh; cloned for every file.
    decider: Decider,
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
        })
    }

    /// The shortest recording that gives a decision, in words.
    pub fn shortest(&self) -> String {
        match &self.network {
            FileNetwork::Windows(_, window) => format!("a window ({:.3} s)", window.seconds()),
            FileNetwork::Recordings(_) => "a frame (0.046 s)".into(),
        }
    }

    /// Labels the file `input`.
    ///
    /// # Errors
    /// When the file cannot be decoded, or inference fails.
    pub fn label(&self, input: &Path, progress: Progress) -> Result<Labels, LabelError> {
        let mut file = File::open(input)?;
        let mut found = Found::default();
        let mut decisions = StreamDecisions::new("", self.decider.clone(), false);
        match &self.network {
            FileNetwork::Windows(intake, window) => {
                label_windows(
                    intake,
                    *window,
                    &mut file,
                    progress,
                    &mut decisions,
                    &mut found,
                )?;
            }
            FileNetwork::Recordings(scorer) => {
                label_recording(scorer, &mut file, progress, &mut decisions, &mut found)?;
            }
        }
        if let Some(reason) = found.failed {
            return Err(LabelError::Failed(reason));
        }
        let format = file.decoder.format();
        Ok(Labels {
            input: input.into(),
            model: self.model.clone(),
            horizon_frames: self.decider.horizon().frames,
            format,
            duration_s: file.frames as f64 / f64::from(format.rate_hz),
            damage: file.decoder.damaged().map(ToOwned::to_owned),
            decisions: found.decisions,
            voices: found.voices,
        })
    }
}

fn label_windows(
    intake: &Intake,
    window: WindowLength,
    file: &mut File,
    progress: Progress,
    decisions: &mut StreamDecisions,
    found: &mut Found,
) -> Result<(), LabelError> {
    let mut stream = Stream::new(file.rate_hz(), window).map_err(|source| LabelError::Rate {
        path: file.path.clone(),
        source,
    })?;
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
        && let Some((mono, end_s)) = file.next_block(progress)?
    {
        let end = CaptureTime {
            monotonic_s: end_s,
            arrived_s: end_s,
            unix_s: end_s,
        };
        sent = stream.push(mono, end).try_for_each(&mut send);
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
    file: &mut File,
    progress: Progress,
    decisions: &mut StreamDecisions,
    found: &mut Found,
) -> Result<(), LabelError> {
    let rate_hz = file.rate_hz();
    let mut resampler =
        Resampler::to(SEPARATED_RATE_HZ, rate_hz).map_err(|source| LabelError::Rate {
            path: file.path.clone(),
            source,
        })?;
    let mut samples = Vec::new();
    while let Some((mono, _)) = file.next_block(progress)? {
        resampler.push(mono, &mut samples);
    }
    resampler.flush(&mut samples);
    let energies = SeparatedMel::new().energies(&samples);
    // As many as the resampler of the common grid would give.
    let length = file.frames as f64 * f64::from(SAMPLE_RATE_HZ) / f64::from(rate_hz);
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
                Message::State(state) if state.state == StreamState::Failed => {
                    self.failed = Some(state.reason.unwrap_or_default());
                }
                _ => {}
            }
        }
    }
}

/// A file being read: the mean of its channels.
struct File {
    path: PathBuf,
    decoder: Decoder,
    map: ChannelMap,
    mono: Vec<f32>,
    /// Read so far, at the file's rate.
    frames: u64,
}

impl File {
    fn open(path: &Path) -> Result<Self, LabelError> {
        let decoder = Decoder::open(path)?;
        let map =
            ChannelMap::new(&ChannelChoice::All, decoder.format().channels).map_err(|source| {
                LabelError::Channels {
                    path: path.into(),
                    source,
                }
            })?;
        Ok(Self {
            path: path.into(),
            decoder,
            map,
            mono: Vec::new(),
            frames: 0,
        })
    }

    fn rate_hz(&self) -> u32 {
        self.decoder.format().rate_hz
    }

    /// The next samples and the time at their end, in seconds; `None` at the end of the file.
    fn next_block(&mut self, progress: Progress) -> Result<Option<(&[f32], f64)>, LabelError> {
        let rate_hz = f64::from(self.rate_hz());
        let expected_frames = self.decoder.duration_frames();
        let Some(block) = self.decoder.next_block()? else {
            self.map.log_silenced(&self.path.display().to_string());
            return Ok(None);
        };
        self.mono.clear();
        self.map.mix(block, &mut self.mono);
        self.frames += self.mono.len() as u64;
        progress(self.frames, expected_frames);
        Ok(Some((&self.mono, self.frames as f64 / rate_hz)))
    }
}
