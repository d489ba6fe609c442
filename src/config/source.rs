//! Where sound comes from, and which of its channels.

use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::audio::channels::ChannelChoice;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConfig {
    /// What its stream is called in messages; as the input where this is empty.
    pub name: String,
    /// `device:default`, `device:NAME`, `device:ID`, `file:PATH`, `fifo:PATH`, `-` for standard input, or a path.
    pub input: String,
    /// `all`, or numbers from 1, as `1,2`: their mean is listened to.
    pub channels: String,
    /// Each of the channels is a stream of its own, called NAME/1, NAME/2 and so on.
    pub each_channel: bool,
    /// Of a file: `realtime`, or `max` for as fast as it can be read.
    pub pace: String,
    /// What the bytes of standard input or a FIFO are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pcm: Option<PcmConfig>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PcmConfig {
    /// `s16le`, `s32le` or `f32le`.
    pub format: String,
    pub rate_hz: u32,
    pub channels: u16,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            input: "device:default".into(),
            channels: "all".into(),
            each_channel: false,
            pace: "realtime".into(),
            pcm: None,
        }
    }
}

impl SourceConfig {
    /// What messages call it.
    pub fn stream_name(&self) -> &str {
        if self.name.is_empty() { &self.input } else { &self.name }
    }

    pub fn channel_choice(&self) -> Result<ChannelChoice, ConfigError> {
        self.channels
            .parse()
            .map_err(|e| ConfigError::value(format!("{}: channels", self.stream_name()), format!("{e}")))
    }
}
