//! Errors of a training.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::model::CheckpointError;
use crate::training::distillation::TeacherError;
use crate::training::experiment::SettingError;
use crate::training::state::StateError;

/// A training that cannot begin or continue.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum TrainError {
    /// A setting of the experiment is impossible.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The settings cannot be kept in the state.
    #[error(transparent)]
    Identity(#[from] toml::ser::Error),
    /// Another process trains in the folder.
    #[error("another program is training in {}; wait for its end", folder.display())]
    Locked { folder: PathBuf },
    /// The lock file cannot be written.
    #[error("{} cannot be written: {reason}", path.display())]
    LockUnwritable { path: PathBuf, reason: io::Error },
    /// Windows cannot be drawn from the corpora.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// The state cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The folder's state belongs to another training.
    #[error(
        "{} belongs to an experiment with other settings ({differences}); give another --run folder, or remove this \
         one",
        folder.display()
    )]
    OtherSettings {
        folder: PathBuf,
        differences: String,
    },
    /// The interrupted training had another teacher. Half a training by each would be neither's.
    #[error(
        "the training in {} learns from {first}, not from {now}: name that checkpoint (--teacher), or give another \
         --run folder",
        folder.display()
    )]
    OtherTeacher {
        folder: PathBuf,
        first: String,
        now: String,
    },
    /// The first weights do not fit the experiment.
    #[error("the checkpoint to start from is of another network, other horizons or another level")]
    StartMismatch,
    /// Only some outputs are trained, so the rest of the network must come from a checkpoint.
    #[error(
        "training.only_horizons_frames and only_speech leave everything else as the checkpoint to start from has it; name one \
         (--start-from)"
    )]
    NoStart,
    /// The teacher does not fit the experiment.
    #[error(transparent)]
    Teacher(#[from] TeacherError),
    /// The loss is not finite.
    #[error("the loss is {loss} after epoch {epoch}; lower training.learning_rate")]
    Diverged { loss: f64, epoch: usize },
    /// The best checkpoint cannot be written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Log { path: PathBuf, reason: io::Error },
    /// The learning curves cannot be written.
    #[error(transparent)]
    Curves(Box<dyn Error + Send + Sync>),
}

/// Corpora that windows cannot be drawn from.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum SamplerError {
    /// A corpus with a weight has no tracks.
    #[error("the corpus {corpus} has no tracks for training")]
    NoTracks { corpus: String },
    /// A track lacks the features that the network uses.
    #[error("{track} of the corpus {corpus} was read without being separated")]
    NotSeparated { track: String, corpus: String },
    /// Speech is to be mixed in, but there is none.
    #[error("augmentation.speech_fraction needs a corpus of kind \"speech\"")]
    NoSpeech,
}
