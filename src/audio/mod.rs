//! Sound in: files, devices and pipes, each a [`Source`] with a thread of its own, which fills
//! a [`ring`](mod@ring) that the frontend reads.
//!
//! [`decode`] and [`channels`] are used without a source too, by the trainer and `detect`.

mod alsa_stderr;
pub mod channels;
pub mod decode;
pub mod device;
mod error;
pub mod file;
pub mod health;
pub mod inventory;
mod packet_clock;
pub mod pcm;
pub mod ring;
pub mod sound_files;
pub mod source;
pub mod spec;
mod stop;
mod supervisor;

pub(crate) use alsa_stderr::quietly;
pub use channels::{ChannelChoice, ChannelError, ChannelMap};
pub use decode::Decoder;
pub use device::InputDevice;
pub use error::AudioError;
pub use file::Pace;
pub use health::{Health, HealthSnapshot};
pub use pcm::{Encoding, PcmFormat};
pub use ring::{Block, RingReader, RingWriter, ring, unix_now_ns};
pub use source::{Source, SourceEvent, SourceHandle, spawn};
pub use spec::{SourceOptions, SourceSpec};
pub use stop::StopFlag;

/// What a stretch of samples is: `rate_hz` frames a second of `channels` interleaved samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioFormat {
    pub rate_hz: u32,
    pub channels: u16,
}

impl std::fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.channels == 1 { "" } else { "s" };
        write!(
            f,
            "{} Hz with {} channel{plural}",
            self.rate_hz, self.channels
        )
    }
}
