//! One training, from its corpora to its finished checkpoint.

use std::path::{Path, PathBuf};

use crate::corpora::reader::{CorpusReader, ReadError};
use crate::corpora::{Corpus, CorpusSettings, FeatureCache, Split};
use crate::model::{Checkpoint, CheckpointError, Metadata};
use crate::training::allocator;
use crate::training::denormals;
use crate::training::ensemble::{EnsembleError, members};
use crate::training::experiment::Experiment;
use crate::training::export;
use crate::training::fit;
use crate::training::fit::{Observer, Outcome};
use crate::training::{TrainContext, TrainError};

/// A training that cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The corpora cannot be read.
    #[error(transparent)]
    Corpora(#[from] ReadError),
    /// There is nothing to choose the best epoch and the thresholds on.
    #[error("no corpus of the experiment has tracks for validation")]
    NoValidation,
    /// The folder of the training cannot be made.
    #[error("cannot make the folder {}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// A checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// All labels of a split are the same.
    #[error("the songs for {} have no label that is {missing}; training needs both voice and no voice there", purpose(*split))]
    OneSided {
        /// The split.
        split: Split,
        /// What no label is.
        missing: &'static str,
    },
    /// The checkpoint to start from does not fit the experiment.
    #[error("the training cannot begin with {name}: {reason}")]
    Start {
        /// The checkpoint.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// The checkpoint to start from lacks weights of a member.
    #[error(transparent)]
    Members(#[from] EnsembleError),
    /// A step, the state or the export failed.
    #[error(transparent)]
    Training(#[from] TrainError),
}

fn purpose(split: Split) -> &'static str {
    match split {
        Split::Train => "training",
        Split::Valid => "validation",
        Split::Test => "testing",
    }
}

/// Receives the progress of a training.
pub trait RunObserver: Observer {
    /// The epochs are over. What follows after [`Outcome::Finished`] is the export.
    fn fitted(&mut self, outcome: Outcome);
}

/// The corpora of a training.
pub struct TrainingData {
    /// Corpora that windows are drawn from.
    pub train: Vec<Corpus>,
    /// Corpora that choose the best epoch and the thresholds; at least one.
    pub valid: Vec<Corpus>,
}

impl TrainingData {
    /// Reads both splits. `progress` is called before each corpus.
    ///
    /// # Errors
    /// A corpus cannot be read, or none has tracks for validation.
    pub fn read(
        reader: &CorpusReader,
        experiment: &Experiment,
        cache: &FeatureCache,
        progress: &mut dyn FnMut(Split, &CorpusSettings),
    ) -> Result<Self, RunError> {
        let mut read = |split| {
            let mut progress = |settings: &CorpusSettings| progress(split, settings);
            reader.read(&experiment.corpus, split, cache, &mut progress)
        };
        let (train, valid) = (read(Split::Train)?, read(Split::Valid)?);
        match valid.is_empty() {
            true => Err(RunError::NoValidation),
            false => Ok(Self { train, valid }),
        }
    }

    /// Refuses labels of which one can learn nothing: all voice, or none.
    ///
    /// # Errors
    /// Names the split and what it lacks.
    pub fn check_labels(&self) -> Result<(), RunError> {
        for (split, corpora) in [(Split::Train, &self.train), (Split::Valid, &self.valid)] {
            for (voice, missing) in [(true, "voice"), (false, "no voice")] {
                let mut tracks = corpora.iter().flat_map(|corpus| &corpus.tracks);
                if !tracks.any(|track| track.voice.contains(&Some(voice))) {
                    return Err(RunError::OneSided { split, missing });
                }
            }
        }
        Ok(())
    }
}

/// Brings a checkpoint to start from to the experiment's horizons.
///
/// # Errors
/// Its network cannot have these horizons.
pub fn starting_checkpoint(
    start: Checkpoint,
    experiment: &Experiment,
) -> Result<Checkpoint, RunError> {
    let name = start.metadata.name.clone();
    if start.metadata.horizons_frames != experiment.horizons_frames {
        tracing::info!(
            "{name} has the horizons {:?}; those of the experiment begin between them",
            start.metadata.horizons_frames
        );
    }
    let unfit = |reason: String| RunError::Start {
        name: name.clone(),
        reason,
    };
    let start = start.with_horizons(&experiment.horizons_frames);
    let start = start.map_err(|e| unfit(e.to_string()))?;
    start
        .with_speech(experiment.speech)
        .map_err(|e| unfit(format!("it {e}")))
}

/// Default path of a training's finished checkpoint: `FOLDER/NAME.safetensors`.
#[must_use]
pub fn checkpoint_path(experiment: &Experiment, folder: &Path) -> PathBuf {
    folder.join(format!("{}.safetensors", experiment.name))
}

/// Trains, or resumes an interrupted training, and writes the finished checkpoint to `out`. `None` where
/// the training was interrupted.
///
/// # Errors
/// The folder, the state, the log or the checkpoint cannot be read or written, or a step failed.
pub fn train(
    experiment: &Experiment,
    context: &TrainContext,
    observer: &mut dyn RunObserver,
    out: &Path,
) -> Result<Option<Metadata>, RunError> {
    make(context.folder)?;
    allocator::keep();
    denormals::flush_to_zero();
    let Some(best) = (match (experiment.training.only_speech, context.start_from) {
        (true, Some(start)) => fit_speech(experiment, context, start, observer)?,
        _ => fit_whole(experiment, context, observer)?,
    }) else {
        return Ok(None);
    };
    let (aim, device) = (experiment.operating_point, context.device);
    let metadata = match experiment.training.only_speech {
        true => export::finish_speech(best, context.valid, device, out)?,
        false => export::finish(best, context.valid, aim, device, out)?,
    };
    Ok(Some(metadata))
}

/// The best checkpoint of a training; `None` where it was interrupted.
fn fit_whole(
    experiment: &Experiment,
    context: &TrainContext,
    observer: &mut dyn RunObserver,
) -> Result<Option<Checkpoint>, RunError> {
    let outcome = fit::fit(experiment, context, observer)?;
    observer.fitted(outcome);
    Ok(match outcome {
        Outcome::Interrupted => None,
        Outcome::Finished => Some(Checkpoint::read(&TrainContext::best_path(context.folder))?),
    })
}

/// The checkpoint `start` with the output for speech of each of its members trained, one after the other; `None` where
/// that was interrupted. The members of an ensemble have a folder each.
fn fit_speech(
    experiment: &Experiment,
    context: &TrainContext,
    start: &Checkpoint,
    observer: &mut dyn RunObserver,
) -> Result<Option<Checkpoint>, RunError> {
    let members = members(start)?;
    let mut whole = start.shallow_clone();
    for (number, member) in members.iter().enumerate() {
        let folder = match members.len() {
            1 => context.folder.into(),
            _ => context.folder.join(format!("member-{}", number + 1)),
        };
        make(&folder)?;
        let context = TrainContext {
            start_from: Some(member),
            folder: &folder,
            ..*context
        };
        let Some(best) = fit_whole(experiment, &context, observer)? else {
            return Ok(None);
        };
        whole.take_speech_of(number, &best);
        whole.metadata.add_trained_on(&best.metadata.trained_on);
    }
    whole.metadata.name.clone_from(&experiment.name);
    whole.metadata.license.clone_from(&experiment.license);
    Ok(Some(whole))
}

fn make(folder: &Path) -> Result<(), RunError> {
    std::fs::create_dir_all(folder).map_err(|e| RunError::Folder {
        path: folder.into(),
        reason: e,
    })
}
