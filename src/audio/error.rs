//! Why a source cannot be used, a sentence each.

use std::path::PathBuf;

use crate::audio::AudioFormat;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AudioError {
    #[error("{}: there is no such file", path.display())]
    Missing { path: PathBuf },
    #[error("{} is a directory: name a sound file", path.display())]
    Directory { path: PathBuf },
    #[error("{} is not a regular file: raw samples from a FIFO are read with fifo:PATH", path.display())]
    NotRegular { path: PathBuf },
    #[error("{} is empty", path.display())]
    Empty { path: PathBuf },
    #[error("{} is not a sound file that can be read, or damaged at its beginning: it should be {readable}", path.display())]
    NotAudio {
        path: PathBuf,
        readable: &'static str,
    },
    #[error("{} cannot be decoded: {reason}", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("{} changes after {after_s:.3} s from {from} to {to}: split it there", path.display())]
    FormatChange {
        path: PathBuf,
        after_s: f64,
        from: AudioFormat,
        to: AudioFormat,
    },
    #[error("{} cannot be read: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    #[error(
        "\"{text}\" names no source: write a file's path, device:NAME, fifo:PATH or - for stdin"
    )]
    Spec { text: String },
    #[error("{}: there is no such FIFO: make it with mkfifo", path.display())]
    MissingFifo { path: PathBuf },
    #[error("{} is not a FIFO: a sound file is named by its path alone", path.display())]
    NotFifo { path: PathBuf },
    #[error("stdin cannot be read: {reason}")]
    Stdin { reason: String },
    #[error("\"{text}\" is not an encoding: choose s16le, s32le or f32le")]
    Encoding { text: String },
    #[error("{spec} gives raw samples: say which with --format, --rate and --channels")]
    PcmUnknown { spec: String },
    #[error("raw samples cannot have {channels} channels at {rate_hz} Hz: both must be at least 1")]
    PcmFormat { rate_hz: u32, channels: u16 },
    #[error("there is no sound card to listen to: {reason}")]
    NoDevice { reason: String },
    #[error(
        "there is no device \"{wanted}\"{}: `vocald devices` lists them all",
        nearest(nearby)
    )]
    UnknownDevice { wanted: String, nearby: Vec<String> },
    #[error(
        "\"{wanted}\" may be {}: write more of the name, or the id",
        quoted(candidates)
    )]
    AmbiguousDevice {
        wanted: String,
        candidates: Vec<String>,
    },
    #[error("device \"{device}\" cannot be used: {reason}")]
    Device { device: String, reason: String },
    #[error("device \"{device}\" offers no {wanted}: `vocald devices` lists what it does")]
    DeviceFormat { device: String, wanted: String },
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(" or ")
}

fn nearest(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(", did you mean {}?", quoted(names))
    }
}
