//! `[publish.osc]`: receivers, addresses and rates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocald_client::stream_names;

use crate::config::{ConfigError, check_receiver, number_from_0};

/// OSC over UDP: one argument per address, one datagram per message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OscConfig {
    /// Receivers as `HOST:PORT`; broadcast and multicast addresses are allowed. Empty: OSC is off.
    pub targets: Vec<String>,
    /// Start of every address: `PREFIX/STREAM/voice`, `/p`, `/onset`, `/offset` and `/state`.
    pub prefix: String,
    /// Probabilities per second at most, each the highest since the one before. 0: none.
    pub p_rate_hz: f64,
    /// The voice flag is sent again after this much sound, for receivers that start late or lose a datagram. 0: only
    /// when it changes.
    pub repeat_voice_s: f64,
}

impl Default for OscConfig {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            prefix: "/vocald".into(),
            p_rate_hz: 14.0,
            repeat_voice_s: 1.0,
        }
    }
}

impl OscConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for target in &self.targets {
            check_receiver("publish.osc.targets", target, "127.0.0.1:9000")?;
        }
        let parts = self.prefix.strip_prefix('/').map(|rest| rest.split('/'));
        if !parts.is_some_and(|mut parts| {
            parts.all(|part| !part.is_empty() && stream_names::part(part) == part)
        }) {
            return Err(ConfigError::value(
                "publish.osc.prefix",
                format!(
                    "`{}` cannot begin an OSC address: write it as /vocald",
                    self.prefix
                ),
            ));
        }
        number_from_0("publish.osc.p_rate_hz", self.p_rate_hz)?;
        number_from_0("publish.osc.repeat_voice_s", self.repeat_voice_s)
    }
}
