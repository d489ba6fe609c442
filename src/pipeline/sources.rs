//! The sources of a configuration, opened, and the names of their streams.

use std::path::PathBuf;

use crate::audio::{AudioError, ChannelChoice, Source, SourceOptions, SourceSpec};
use crate::config::{Config, ConfigError, SourceConfig};
use crate::pipeline::feed_options::{FeedOptions, Mixing};

/// Why a source cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its settings are impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file, pipe or device cannot be opened.
    #[error(transparent)]
    Audio(#[from] AudioError),
}

/// A source that is ready to start.
pub struct OpenSource {
    /// Name of its stream, or of its streams before the channel number.
    pub name: String,
    /// The source, not yet running.
    pub source: Box<dyn Source>,
    /// Settings of its feed.
    pub options: FeedOptions,
    /// Nothing is lost when what comes after is slow.
    pub can_wait: bool,
    /// Opens the source again after its thread died; `None` where that would play the same sound twice.
    pub reopen: Option<Box<Reopen>>,
}

/// Opens a source again, or says in one sentence why not.
pub type Reopen = dyn Fn() -> Result<Box<dyn Source>, String> + Send;

/// How sources are opened.
#[derive(Debug, Clone, Default)]
pub struct Opener {
    /// Each source ends after this much sound, in seconds.
    pub limit_s: Option<f64>,
    /// The program that captures devices in processes of their own.
    pub capture: Option<PathBuf>,
}

impl Opener {
    /// Opens a source of `config`.
    ///
    /// # Errors
    /// When it is impossible, or not there and not waited for.
    pub fn open(&self, config: &Config, source: &SourceConfig) -> Result<OpenSource, OpenError> {
        let spec = source.spec()?;
        let choice = source.channel_choice()?;
        let live = matches!(spec, SourceSpec::Device(_) | SourceSpec::Sim(_));
        let can_wait = source.can_wait()?;
        let full_pace = can_wait && matches!(spec, SourceSpec::File(_) | SourceSpec::Sim(_));
        let mixing = match source.each_channel {
            true => Mixing::Each(choice),
            false => Mixing::Mean(choice),
        };
        let settings = SourceOptions {
            helper: self.capture.clone(),
            ..source.options()?
        };
        let opened = spec.open(&settings)?;
        let reopen: Option<Box<Reopen>> = match spec {
            SourceSpec::File(_) | SourceSpec::Stdin => None,
            spec => Some(Box::new(move || {
                spec.open(&settings).map_err(|e| e.to_string())
            })),
        };
        Ok(OpenSource {
            name: source.stream_name().into(),
            source: opened,
            reopen,
            options: FeedOptions {
                mixing,
                limit_s: self.limit_s,
                live,
                stall_after: (!full_pace).then(|| source.stall_after()),
                budget: (!can_wait).then(|| config.model.latency_budget()),
                stand_in: live,
            },
            can_wait,
        })
    }
}

impl OpenSource {
    /// The streams that are known before the source reports how many channels it has: their channels, or `None` for
    /// the stream that has the name of the source.
    pub fn known_streams(&self) -> Vec<Option<u16>> {
        match &self.options.mixing {
            Mixing::Mean(_) => vec![None],
            Mixing::Each(ChannelChoice::Only(channels)) => {
                channels.iter().copied().map(Some).collect()
            }
            Mixing::Each(ChannelChoice::All) if self.options.stand_in => vec![None],
            Mixing::Each(ChannelChoice::All) => Vec::new(),
        }
    }
}

/// `SOURCE`, or `SOURCE/CHANNEL` where each channel is a stream.
pub fn stream_name(source: &str, channel: Option<u16>) -> String {
    match channel {
        Some(channel) => format!("{source}/{channel}"),
        None => source.into(),
    }
}
