//! Audio input: files, devices and pipes.
//!
//! A [`SourceSpec`] names an input and opens it as a [`Source`]. A source runs on its own thread
//! ([`spawn`]) and fills a [`ring`](fn@ring) with interleaved samples for the frontend; its
//! [`SourceEvent`]s report starts, stalls, losses and the end.
//!
//! [`Decoder`] and [`ChannelMap`] also serve without a source, for reading whole files.

mod alsa_stderr;
mod channel_watch;
mod channels;
mod clock;
mod decode;
pub mod device;
mod error;
mod file;
mod format;
mod health;
pub mod inventory;
mod options;
mod pcm;
mod ring;
mod sim;
pub mod sound_files;
pub mod source;
mod spec;
mod stop;
mod whole_file;

pub(crate) use alsa_stderr::log_alsa_messages;
pub use channel_watch::{ChannelFault, ChannelWatch};
pub use channels::{ChannelChoice, ChannelError, ChannelMap};
pub use clock::{CaptureInstant, UnixClock};
pub use decode::Decoder;
pub use device::InputDevice;
pub use error::AudioError;
pub use file::Pace;
pub use format::AudioFormat;
pub use health::{Health, HealthSnapshot};
pub use options::{DEFAULT_REOPEN_AFTER, DEFAULT_RING_S, SourceOptions};
pub use pcm::{Encoding, PcmFormat, PipeReader, RawDecoder};
pub use ring::{Block, RingReader, RingWriter, ring};
pub use sim::ScriptPlace;
pub use source::{Source, SourceEvent, SourceHandle, spawn, spawn_counted};
pub use spec::SourceSpec;
pub use stop::StopFlag;
pub(crate) use whole_file::WholeFile;
