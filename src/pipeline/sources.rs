//! The sources of a configuration, opened, and the names of their streams.

use crate::audio::{AudioError, ChannelChoice, Source, SourceSpec};
use crate::config::{Config, ConfigError, SourceConfig};
use crate::pipeline::feed::{FeedOptions, Mixing};

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
}

/// Opens every source of `config`; each ends after `limit_s` seconds of sound, if given.
pub fn open(config: &Config, limit_s: Option<f64>) -> Result<Vec<OpenSource>, OpenError> {
    let open = |source: &SourceConfig| {
        let spec = source.spec()?;
        let choice = source.channel_choice()?;
        let live = matches!(spec, SourceSpec::Device(_));
        let mixing = match source.each_channel {
            true => Mixing::Each(choice),
            false => Mixing::Mean(choice),
        };
        Ok(OpenSource {
            name: source.stream_name().into(),
            source: spec.open(&source.options()?)?,
            options: FeedOptions {
                mixing,
                limit_s,
                live,
            },
            can_wait: source.can_wait()?,
        })
    };
    config.source.iter().map(open).collect()
}

impl OpenSource {
    /// The streams that are known before the source reports how many channels it has.
    pub fn known_streams(&self) -> Vec<String> {
        match &self.options.mixing {
            Mixing::Mean(_) => vec![stream_name(&self.name, None)],
            Mixing::Each(ChannelChoice::Only(channels)) => channels
                .iter()
                .map(|&channel| stream_name(&self.name, Some(channel)))
                .collect(),
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
