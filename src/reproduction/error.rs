//! Errors of repeating the paper's tables.

use std::error::Error;
use std::path::PathBuf;

use crate::decision::PointError;
use crate::model::CheckpointError;
use crate::reproduction::paper::PaperError;

/// A training that cannot be planned, measured or recorded.
#[derive(Debug, thiserror::Error)]
pub enum ReproductionError {
    /// The name of a corpus or a network.
    #[error(transparent)]
    Paper(#[from] PaperError),
    /// The experiment or the state of the training.
    #[error(transparent)]
    Training(Box<dyn Error + Send + Sync>),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The operating point of the checkpoint.
    #[error(transparent)]
    Point(#[from] PointError),
    /// A folder without a training.
    #[error("{} holds no training", .0.display())]
    NoTraining(PathBuf),
    /// A checkpoint without a horizon.
    #[error("the checkpoint has no operating point")]
    NoHorizon,
    /// Test tracks that are too short.
    #[error("no test track is as long as a window")]
    NoDecisions,
    /// A file that cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        reason: std::io::Error,
    },
    /// A line of a log that is not what a training writes.
    #[error("{} cannot be read: {reason}", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// What is wrong with it.
        reason: serde_json::Error,
    },
    /// A file that cannot be written.
    #[error("{} cannot be written: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        reason: std::io::Error,
    },
}

impl ReproductionError {
    pub(super) fn training(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Training(error.into())
    }
}
