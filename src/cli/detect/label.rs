//! One file through the stages: the same ones, in the same order, as in `run`; or as a whole, where the
//! network wants that.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender};

use crate::audio::{AudioFormat, ChannelChoice, ChannelMap, Decoder};
use crate::cli::detect::progress::FileProgress;
use crate::decision::{Decider, Horizon};
use crate::frontend::resample::Resampler;
use crate::frontend::separated_mel::SEPARATED_RATE_HZ;
use crate::frontend::{SAMPLE_RATE_HZ, SeparatedMel, WindowLength};
use crate::inference::OfflineScorer;
use crate::inference::offline::Answer;
use crate::inference::{Intake, Output, WhenBehind};
use crate::model::Metadata;
use crate::pipeline::decisions::Reporter;
use crate::pipeline::stream::{Note, Stream, StreamItem};
use vocald_client::Message;
use vocald_client::message::{Decision, Offset, Onset, StreamState};

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
    answers: Answers,
    model: String,
    /// A fresh one, to be cloned.
    decider: Decider,
}

/// Who gives the probabilities.
pub enum Answers {
    /// Windows go to the worker, as in `run`.
    Windows(Intake, WindowLength),
    /// A recording is separated on the thread that labels it, then passes through the network;
    /// libtorch is one thread's at a time.
    Recordings(Box<Mutex<OfflineScorer>>),
}

impl Labeler {
    pub fn new(answers: Answers, model: &Metadata, horizon: Horizon) -> anyhow::Result<Self> {
        let decider = Decider::new(model.new_overlap_average(), horizon)?;
        Ok(Self {
            answers,
            model: model.name.clone(),
            decider,
        })
    }

    /// What a recording must hold for a decision.
    pub fn shortest(&self) -> String {
        match &self.answers {
            Answers::Windows(_, window) => format!("a window ({:.3} s)", window.seconds()),
            Answers::Recordings(_) => "a frame (0.046 s)".into(),
        }
    }

    pub fn label(&self, input: &Path, progress: &FileProgress) -> anyhow::Result<Labels> {
        let mut file = File::open(input)?;
        let told = match &self.answers {
            Answers::Windows(intake, window) => {
                self.by_windows(intake, *window, &mut file, progress)?
            }
            Answers::Recordings(scorer) => self.as_a_whole(scorer, &mut file, progress)?,
        };
        let format = file.decoder.format();
        let mut labels = Labels {
            input: input.into(),
            model: self.model.clone(),
            horizon_frames: self.decider.horizon().frames,
            format,
            duration_s: file.frames as f64 / f64::from(format.rate_hz),
            damage: file.decoder.damaged().map(ToOwned::to_owned),
            decisions: Vec::new(),
            voices: Vec::new(),
        };
        collect(&mut labels, &told)?;
        Ok(labels)
    }

    fn by_windows(
        &self,
        intake: &Intake,
        window: WindowLength,
        file: &mut File,
        progress: &FileProgress,
    ) -> anyhow::Result<Receiver<Message>> {
        let mut stream = Stream::new(file.rate_hz(), window).with_context(|| file.name())?;
        let (mut reporter, told) = self.reporter();
        let handler = Box::new(move |output| reporter.handle(output));
        let sender = intake.add_stream(WhenBehind::Block, handler);
        let mut taken = Ok(());
        file.read(progress, |mono, end_s| {
            stream.push(mono, end_s, |item| taken = taken.and(sender.send(item)));
            Ok(taken?)
        })?;
        stream.finish(|item| taken = taken.and(sender.send(item)));
        taken.and(sender.send(StreamItem::Note(Note::Ended { reason: None })))?;
        Ok(told)
    }

    fn as_a_whole(
        &self,
        scorer: &Mutex<OfflineScorer>,
        file: &mut File,
        progress: &FileProgress,
    ) -> anyhow::Result<Receiver<Message>> {
        let rate_hz = file.rate_hz();
        let resampler = Resampler::to(SEPARATED_RATE_HZ, rate_hz);
        let mut resampler = resampler.with_context(|| file.name())?;
        let mut samples = Vec::new();
        file.read(progress, |mono, _| {
            resampler.push(mono, &mut samples);
            Ok(())
        })?;
        resampler.flush(&mut samples);
        let energies = SeparatedMel::new().energies(&samples);
        // As many as the resampler of the common grid would give.
        let length = file.frames as f64 * f64::from(SAMPLE_RATE_HZ) / f64::from(rate_hz);
        let answers = scorer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .score(&energies, length.round() as usize)?;
        let (mut reporter, told) = self.reporter();
        for (seq, Answer { t_s, p }) in (0..).zip(answers) {
            reporter.answer(seq, t_s, p, 0.0);
        }
        reporter.handle(Output::Note(Note::Ended { reason: None }));
        Ok(told)
    }

    /// A reporter for one file, and what it tells.
    fn reporter(&self) -> (Reporter<impl FnMut(Message) + use<>>, Receiver<Message>) {
        // Bounded by the length of the file, whose labels are kept as a whole anyway.
        let (tell, told): (Sender<Message>, _) = crossbeam_channel::unbounded();
        // Nobody listens when the file has failed meanwhile.
        let emit = move |message| _ = tell.send(message);
        let decider = self.decider.clone();
        let reporter = Reporter::new(String::new(), decider, false, emit);
        (reporter, told)
    }
}

/// A file being read: the mean of its channels.
struct File {
    path: PathBuf,
    decoder: Decoder,
    map: ChannelMap,
    /// Read so far, at the file's rate.
    frames: u64,
}

impl File {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let decoder = Decoder::open(path)?;
        let map = ChannelMap::new(&ChannelChoice::All, decoder.format().channels)
            .with_context(|| path.display().to_string())?;
        Ok(Self {
            path: path.into(),
            decoder,
            map,
            frames: 0,
        })
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn rate_hz(&self) -> u32 {
        self.decoder.format().rate_hz
    }

    /// Hands every block to `take`, with the time at its end in seconds.
    fn read(
        &mut self,
        progress: &FileProgress,
        mut take: impl FnMut(&[f32], f64) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let rate_hz = f64::from(self.rate_hz());
        let expected_frames = self.decoder.duration_frames();
        let mut mono = Vec::new();
        while let Some(block) = self.decoder.next_block()? {
            mono.clear();
            self.map.mix(block, &mut mono);
            self.frames += mono.len() as u64;
            take(&mono, self.frames as f64 / rate_hz)?;
            progress.at(self.frames, expected_frames);
        }
        self.map.log_silenced(&self.name());
        Ok(())
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
