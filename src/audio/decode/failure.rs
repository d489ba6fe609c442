//! Why a sound cannot be decoded, before the file's name is added.

use std::io;

use symphonia::core::errors::Error as SymphoniaError;

/// Why a sound cannot be opened or read further.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No known format was recognised.
    #[error("its format is not known")]
    Unknown,
    /// A known format whose codec or variant is not decoded here.
    #[error("{0}")]
    Unsupported(String),
    /// A known format with impossible content.
    #[error("{0}")]
    Broken(String),
    /// Only ffmpeg decodes it, and there is none; what it is.
    #[error("it is {0}, which only ffmpeg decodes")]
    NeedsFfmpeg(String),
    /// A library panicked, with this message.
    #[error("{0}")]
    Panicked(String),
    /// The system reports an error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Failure {
    /// `Broken`, for this reason.
    pub fn broken(reason: impl Into<String>) -> Self {
        Self::Broken(reason.into())
    }
}

impl From<SymphoniaError> for Failure {
    fn from(error: SymphoniaError) -> Self {
        match error {
            SymphoniaError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Self::broken("it ends inside its header")
            }
            SymphoniaError::IoError(e) => Self::Io(e),
            SymphoniaError::Unsupported(what) => Self::Unsupported(what.into()),
            other => Self::broken(other.to_string()),
        }
    }
}
