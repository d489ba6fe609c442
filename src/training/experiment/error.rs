//! Errors of experiment files.

use std::io;
use std::path::PathBuf;

use crate::model::FamilyError;
use crate::training::experiment::ExtendsError;
use crate::training::experiment::named::NAMED;

/// An experiment that cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum ExperimentError {
    /// The file cannot be read.
    #[error(
        "cannot read {}, neither as a folder of songs nor as an experiment: {reason}; there are also {}",
        path.display(),
        NAMED.map(|named| named.name).join(", ")
    )]
    Unreadable { path: PathBuf, reason: io::Error },
    /// The file is not TOML, or its keys or types are wrong.
    #[error("the experiment {}: {problem}", path.display())]
    Syntax { path: PathBuf, problem: String },
    /// The file extends another one, and the two do not fit.
    #[error("the experiment {}: {problem}", path.display())]
    Extends {
        path: PathBuf,
        problem: ExtendsError,
    },
    /// A setting has an impossible value.
    #[error("the experiment {}: {problem}", path.display())]
    Setting {
        path: PathBuf,
        problem: SettingError,
    },
}

/// An impossible setting of an experiment.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum SettingError {
    /// No network has this architecture and depth.
    #[error("the experiment names {0}")]
    Network(#[from] FamilyError),
    /// The network cannot have these horizons.
    #[error("horizons_frames = {horizons:?}: give {expected}, or leave it out")]
    Horizons {
        horizons: Vec<u32>,
        expected: String,
    },
    /// The default is none of the horizons.
    #[error("default_horizon_frames must be one of horizons_frames")]
    DefaultHorizon,
    /// There is nothing to average.
    #[error("overlap_averaging needs at least two horizons_frames")]
    OverlapAveraging,
    /// Only outputs that the network has can be trained.
    #[error("training.only_horizons_frames names {0}, which is none of horizons_frames")]
    OnlyHorizons(u32),
    /// Whole recordings have no output for speech.
    #[error("speech = true is for windows; the input of {network} is whole recordings")]
    Speech { network: String },
    /// There is no output for speech to train.
    #[error("training.only_speech needs speech = true")]
    OnlySpeech,
    /// A count is 0.
    #[error("training.{0} must be at least 1")]
    Zero(&'static str),
    /// Batch normalisation cannot work on a single window.
    #[error("training.batch_windows must be at least 2, for batch normalisation")]
    BatchWindows,
    /// A number is out of range.
    #[error("{table}.{key} must lie between 0 and {most}")]
    Range {
        table: &'static str,
        key: &'static str,
        most: f64,
    },
    /// The range of balances is not one.
    #[error("augmentation.balance_db must be [lowest, highest]")]
    Balance,
    /// A share of voice is no fraction.
    #[error("voice_share = {0} must lie between 0 and 1")]
    VoiceShare(f64),
    /// No windows can be drawn by these weights.
    #[error("corpus weights must not be negative, and one must be above 0")]
    Weights,
    /// Recordings have no windows that could be brought to one level.
    #[error("level = \"relative\" is for windows; the input of {network} is whole recordings")]
    RelativeLevel { network: String },
    /// Separated features cannot be changed like mel bands.
    #[error(
        "augmentation.{key} changes mel bands, but the input of {network} is recordings separated as they are; take \
         it out"
    )]
    AugmentedRecordings { key: &'static str, network: String },
    /// Separated features cannot be mixed.
    #[error(
        "{} is there to be laid over other music, but the input of {network} is recordings separated as they are; \
         take it out",
        root.display()
    )]
    MixedRecordings { root: PathBuf, network: String },
}
