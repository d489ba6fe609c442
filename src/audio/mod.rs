//! Sound in: files, devices and pipes, each a source that fills a ring.

pub mod decode;

pub use decode::Decoder;

use std::path::PathBuf;

/// What a stretch of samples is: `rate_hz` frames a second of `channels` interleaved samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioFormat {
    pub rate_hz: u32,
    pub channels: u16,
}

impl std::fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.channels == 1 { "" } else { "s" };
        write!(f, "{} Hz with {} channel{plural}", self.rate_hz, self.channels)
    }
}

/// Why a source cannot be used, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("{}: there is no such file", path.display())]
    Missing { path: PathBuf },
    #[error("{} is a directory: name a sound file", path.display())]
    Directory { path: PathBuf },
    #[error("{} is not a regular file: raw samples from a pipe are read with fifo:PATH", path.display())]
    NotRegular { path: PathBuf },
    #[error("{} is empty", path.display())]
    Empty { path: PathBuf },
    #[error("{} is not a sound file that can be read: it should be {readable}", path.display())]
    NotAudio { path: PathBuf, readable: &'static str },
    #[error("{} cannot be decoded: {reason}", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("{} changes after {after_s:.3} s from {from} to {to}: split it there", path.display())]
    FormatChange { path: PathBuf, after_s: f64, from: AudioFormat, to: AudioFormat },
    #[error("{} cannot be read: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
}
