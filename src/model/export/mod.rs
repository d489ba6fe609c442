//! Networks for other programs' runtimes: ONNX and TorchScript.
//!
//! Both formats hold the same function, from log-mel windows to probabilities of voice, with the normalisation inside:
//!
//! - input `log_mel`: 32-bit floats, windows × frames × 80, as [`crate::frontend::LogMel`] computes them;
//! - input `number`, for alternating members alone: 64-bit integers, the number of each window in its stream;
//! - output `probability`: 32-bit floats, windows × horizons, before overlap averaging;
//! - output `speech`, for networks with that output alone: the same for probabilities of speech. Their suppression of
//!   voice is in the description and left to the program.
//!
//! The number of windows is free. [`description()`] is stored beside the weights.

mod description;
mod inputs;
mod member;
mod onnx;
mod torchscript;

use std::path::{Path, PathBuf};

use crate::frontend::{Features, WindowLength};
use crate::model::Checkpoint;

pub use description::description;
pub use onnx::OPSET;

/// The key of the description in the file: an ONNX metadata property, and an extra file of TorchScript with the suffix
/// `.json`.
pub const DESCRIPTION_KEY: &str = "vocald";

/// A file format of another runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Open Neural Network Exchange.
    Onnx,
    /// PyTorch's own.
    TorchScript,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Onnx, Self::TorchScript];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::TorchScript => "torchscript",
        }
    }
}

/// A network that cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Its input is not a window of log-mel frames.
    #[error(
        "the checkpoint {0} predicts whole recordings that are separated first, which other runtimes cannot do; export \
         one of se_resnet or scnn"
    )]
    Recordings(String),
    /// More than a protobuf message can hold.
    #[error(
        "the checkpoint {name} has {bytes} bytes, and an ONNX file holds at most 2 GiB; export to torchscript"
    )]
    TooLarge {
        /// Name of the checkpoint.
        name: String,
        /// Size of the file it would be.
        bytes: usize,
    },
    /// libtorch failed.
    #[error("libtorch cannot trace the checkpoint {name}: {reason}")]
    Trace {
        /// Name of the checkpoint.
        name: String,
        /// What libtorch reports.
        reason: String,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        reason: std::io::Error,
    },
}

/// Writes the network of `checkpoint` to `path`, which appears whole or not at all.
///
/// # Errors
///
/// See [`ExportError`].
pub fn export(checkpoint: &Checkpoint, format: Format, path: &Path) -> Result<(), ExportError> {
    let name = || checkpoint.metadata.name.clone();
    let window: WindowLength = match checkpoint.architecture.features() {
        Features::Mel(window) => window,
        Features::SeparatedMel => return Err(ExportError::Recordings(name())),
    };
    let unwritable = |reason| ExportError::Unwritable {
        path: path.into(),
        reason,
    };
    let json = description(checkpoint).map_err(|error| unwritable(error.into()))?;
    match format {
        Format::Onnx => {
            let bytes = tch::no_grad(|| onnx::model(checkpoint, window, json));
            let bytes = bytes.map_err(|bytes| ExportError::TooLarge {
                name: name(),
                bytes,
            })?;
            crate::atomic_file::write(path, bytes).map_err(unwritable)
        }
        Format::TorchScript => {
            let traced = tch::no_grad(|| torchscript::trace(checkpoint, window));
            let traced = traced.map_err(|reason| ExportError::Trace {
                name: name(),
                reason,
            })?;
            torchscript::write(&traced, &json, path).map_err(unwritable)
        }
    }
}
