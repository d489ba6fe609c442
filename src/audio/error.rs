//! Errors of sources and of decoding.

use std::path::PathBuf;

use crate::audio::{AudioFormat, Encoding};

/// Why a sound cannot be opened or read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AudioError {
    /// A sound file does not exist.
    #[error("{}: there is no such file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A directory was named where a sound file is expected.
    #[error("{} is a directory: name a sound file", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// A FIFO, socket or device node was named where a sound file is expected.
    #[error("{} is not a regular file: raw samples from a FIFO are read with fifo:PATH", path.display())]
    NotRegular {
        /// The special file.
        path: PathBuf,
    },
    /// A sound file has no bytes.
    #[error("{} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// No known format was recognised in a file.
    #[error(
        "{} is not a sound file that can be read, or damaged at its beginning: docs/sound-formats.md lists the formats",
        path.display()
    )]
    NotAudio {
        /// The file.
        path: PathBuf,
    },
    /// A file of a known format has no sound that can be decoded.
    #[error("{} cannot be decoded: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// Only ffmpeg decodes a file, and no ffmpeg is installed.
    #[error(
        "{} is {what}, which only ffmpeg decodes, and there is no ffmpeg on the PATH: install it, or convert \
         the file to FLAC elsewhere",
        path.display()
    )]
    NeedsFfmpeg {
        /// The file.
        path: PathBuf,
        /// What the file is.
        what: String,
    },
    /// A library that decodes a file panicked.
    #[error("{} cannot be decoded: its decoder panicked ({reason})", path.display())]
    Panicked {
        /// The file.
        path: PathBuf,
        /// The message of the panic.
        reason: String,
    },
    /// The operating system reports an error for a file or FIFO.
    #[error("{} cannot be read: {reason}", path.display())]
    Read {
        /// The file or FIFO.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A text is not the name of a source.
    #[error(
        "\"{text}\" names no source: write a file's path, device:NAME, fifo:PATH or - for stdin"
    )]
    Spec {
        /// The text.
        text: String,
    },
    /// A line of a simulation's script cannot be used.
    #[error("{}, line {line}: {problem}", path.display())]
    Script {
        /// The script.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A FIFO does not exist.
    #[error("{}: there is no such FIFO: make it with mkfifo", path.display())]
    MissingFifo {
        /// The FIFO.
        path: PathBuf,
    },
    /// A file was named where a FIFO is expected.
    #[error("{} is not a FIFO: a sound file is named by its path alone", path.display())]
    NotFifo {
        /// The file.
        path: PathBuf,
    },
    /// Standard input cannot be used.
    #[error("stdin cannot be read: {reason}")]
    Stdin {
        /// The cause.
        reason: String,
    },
    /// A text is not the name of an encoding of raw samples.
    #[error("\"{text}\" is not an encoding: choose one of {}", Encoding::ALL.map(Encoding::name).join(", "))]
    Encoding {
        /// The text.
        text: String,
    },
    /// The format of raw samples is not given.
    #[error("{spec} gives raw samples: say which with --format, --rate and --channels")]
    PcmUnknown {
        /// The source of the samples.
        spec: String,
    },
    /// The format of raw samples is impossible.
    #[error("raw samples cannot have {channels} channels at {rate_hz} Hz: both must be at least 1")]
    PcmFormat {
        /// Sample rate in Hz.
        rate_hz: u32,
        /// Channel count.
        channels: u16,
    },
    /// There is no default input device, or the devices cannot be listed.
    #[error("there is no sound card to listen to: {reason}")]
    NoDevice {
        /// The cause.
        reason: String,
    },
    /// No device has the requested id or name.
    #[error(
        "there is no device \"{requested}\"{}: `vocald devices` lists them all",
        suggestion(similar)
    )]
    UnknownDevice {
        /// The requested id or name.
        requested: String,
        /// Ids of devices with a similar id or name, the closest first.
        similar: Vec<String>,
    },
    /// Several devices have the requested part of a name.
    #[error(
        "\"{requested}\" may be {}: write more of the name, or the id",
        alternatives(candidates)
    )]
    AmbiguousDevice {
        /// The requested part of a name.
        requested: String,
        /// Ids of devices that it fits.
        candidates: Vec<String>,
    },
    /// The sound system refuses a device.
    #[error("device \"{device}\" cannot be used: {reason}")]
    Device {
        /// The device's id or name.
        device: String,
        /// The cause.
        reason: String,
    },
    /// A device does not offer the requested rate and channel count.
    #[error("device \"{device}\" offers no {requested}: `vocald devices` lists what it does")]
    DeviceFormat {
        /// The device's id or name.
        device: String,
        /// The requested format.
        requested: AudioFormat,
    },
}

impl AudioError {
    /// Whether waiting cannot help: another name or format must be requested.
    pub fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::AmbiguousDevice { .. } | Self::DeviceFormat { .. } | Self::Spec { .. }
        )
    }
}

fn alternatives(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(" or ")
}

fn suggestion(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(", did you mean {}?", alternatives(names))
    }
}
