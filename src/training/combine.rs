//! One checkpoint made of several, under the name and licence of an experiment.

use std::path::{Path, PathBuf};

use crate::model::{Checkpoint, CheckpointError};
use crate::training::experiment::Experiment;

/// Checkpoints that cannot be combined.
#[derive(Debug, thiserror::Error)]
pub enum CombineError {
    /// A checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A network cannot have the experiment's horizons.
    #[error("{} cannot be combined: {reason}", path.display())]
    Horizons {
        /// The checkpoint.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The combined checkpoint is not valid.
    #[error("the combined checkpoint {0}")]
    Invalid(String),
}

/// Reads a checkpoint and brings it to the experiment's horizons.
///
/// # Errors
/// The checkpoint cannot be read, or its network cannot have these horizons.
pub fn read(path: &Path, experiment: &Experiment) -> Result<Checkpoint, CombineError> {
    Checkpoint::read(path)?
        .with_horizons(&experiment.horizons_frames)
        .map_err(|e| CombineError::Horizons {
            path: path.into(),
            reason: e.to_string(),
        })
}

/// Gives a combined checkpoint the name, licence and settings of the experiment. Figures of its members are
/// dropped: they are not its own.
///
/// # Errors
/// The settings do not fit the network, as alternating members of a single network.
pub fn adopt(
    checkpoint: &mut Checkpoint,
    experiment: &Experiment,
    alternating: bool,
) -> Result<(), CombineError> {
    let metadata = &mut checkpoint.metadata;
    metadata.name.clone_from(&experiment.name);
    metadata.license.clone_from(&experiment.license);
    metadata.figures.clear();
    metadata.default_horizon_frames = experiment.default_horizon_frames();
    metadata.overlap_averaging = experiment.overlap_averaging;
    metadata.alternating = alternating;
    match metadata.validate() {
        Ok(_) => Ok(()),
        Err(error) => Err(CombineError::Invalid(error.to_string())),
    }
}
