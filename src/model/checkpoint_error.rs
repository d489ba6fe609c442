//! Errors of checkpoints.

use std::path::PathBuf;

use safetensors::SafeTensorError;
use safetensors::tensor::Dtype;

use crate::model::architecture::Architecture;
use crate::model::metadata::MetadataError;
use crate::model::normalisation::MIN_STD;

/// A checkpoint file that cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file cannot be read.
    #[error("cannot read the checkpoint {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        reason: std::io::Error,
    },
    /// The file is no checkpoint for this program.
    #[error("the checkpoint {} {problem}; use another one (`vocald model list`)", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: CheckpointProblem,
    },
    /// The file cannot be written.
    #[error("cannot write the checkpoint {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        reason: std::io::Error,
    },
}

/// What is wrong with a checkpoint. The message is half a sentence, to follow its name.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointProblem {
    /// No complete safetensors file.
    #[error("is truncated, damaged or not a safetensors file ({0})")]
    Damaged(#[from] SafeTensorError),
    /// A safetensors file of another program.
    #[error("was not made by vocald: it has no `vocald` metadata")]
    Foreign,
    /// Metadata with other fields.
    #[error("has metadata that this vocald does not understand ({0})")]
    UnknownMetadata(serde_json::Error),
    /// Metadata that mean something else than this program does.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A band that hardly varies.
    #[error("has a band in `std` below {MIN_STD}")]
    SmallStd,
    /// A running variance below zero.
    #[error("holds a negative variance in `{0}`")]
    NegativeVariance(String),
    /// A tensor that does not belong to the network.
    #[error("holds a tensor `{name}` that {architecture} does not have")]
    ExtraTensor {
        /// The tensor.
        name: String,
        /// The network.
        architecture: Architecture,
    },
    /// A tensor that is not there.
    #[error("lacks the tensor `{0}`")]
    MissingTensor(String),
    /// A tensor that holds no floats of 32 or 16 bits.
    #[error("holds `{name}` as {dtype:?} instead of floats of 32 or 16 bits")]
    Dtype {
        /// The tensor.
        name: String,
        /// The type in the file.
        dtype: Dtype,
    },
    /// A tensor of another shape.
    #[error("holds `{name}` of shape {found:?} where {expected:?} is needed")]
    Shape {
        /// The tensor.
        name: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape that the network needs.
        expected: Vec<i64>,
    },
    /// A NaN or an infinity.
    #[error("holds a number in `{0}` that is not finite")]
    NotFinite(String),
}
