//! `[publish.os2l]`: a light program whose buttons the voices press.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, check_receiver};

/// The word for the first light program that the network announces.
pub const DISCOVER: &str = "discover";

/// OS2L over TCP: a button of a light program is on while a voice is singing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Os2lConfig {
    /// The light program as `HOST:PORT`, or `discover`: the first one that mDNS announces as `_os2l._tcp`. Empty: OS2L
    /// is off.
    pub target: String,
    /// One button that is on while any voice is singing. Empty: a button for each stream, with the stream's name.
    pub button: String,
    /// Streams that count. Empty: all.
    pub streams: Vec<String>,
}

impl Os2lConfig {
    /// Whether there is a light program to talk to.
    pub fn is_on(&self) -> bool {
        !self.target.is_empty()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.target.as_str() {
            "" | DISCOVER => Ok(()),
            target => check_receiver("publish.os2l.target", target, "127.0.0.1:9996"),
        }
    }
}
