//! OSC over UDP: to whom, under which addresses, how often.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use vocald_client::stream_names;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OscConfig {
    /// Receivers as HOST:PORT, broadcast and multicast addresses too. None: off.
    pub targets: Vec<String>,
    /// What every address begins with.
    pub prefix: String,
    /// Probabilities a second at most, each the highest since the one before. 0: none.
    pub p_rate_hz: f64,
    /// The voice flag is sent again so often, for a receiver that starts late or has
    /// lost one, in seconds of sound. 0: only when it changes.
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
            let parts = target.rsplit_once(':');
            if !parts.is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            }) {
                return Err(ConfigError::value(
                    "publish.osc.targets",
                    format!("`{target}` is no receiver: write HOST:PORT, as 127.0.0.1:9000"),
                ));
            }
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
        for (key, value) in [
            ("p_rate_hz", self.p_rate_hz),
            ("repeat_voice_s", self.repeat_voice_s),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(ConfigError::value(
                    format!("publish.osc.{key}"),
                    format!("{value} is not a number from 0 up"),
                ));
            }
        }
        Ok(())
    }
}
