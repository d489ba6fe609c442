//! `[publish]`: messages for other programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocald_client::MessageType;

use crate::config::{
    CommandConfig, ConfigError, HttpConfig, MidiConfig, MqttConfig, ObsConfig, Os2lConfig,
    OscConfig, TcpConfig, UnixConfig,
};

/// Twenty minutes of one stream; a receiver that is further behind does not catch up.
const QUEUE_MESSAGES_MAX: usize = 16_384;
/// Messages for other programs. Standard output always gets them; the tables below turn on more receivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // Each table is documented by its type.
pub struct PublishConfig {
    /// Whether to print a `level` message with every decision.
    pub levels: bool,
    /// Types of messages to print: `decision`, `onset`, `offset`, `speech_onset`, `speech_offset`, `state`, `gap`,
    /// `level`, `settings`, `sink`, `reload`, `lock`. Empty: all. `hello` and `lagged` are always printed.
    pub only: Vec<MessageType>,
    /// Messages that wait for a slow receiver before its oldest are dropped. 1 to 16384.
    pub queue_messages: usize,
    pub osc: OscConfig,
    pub command: CommandConfig,
    pub midi: MidiConfig,
    pub mqtt: MqttConfig,
    pub os2l: Os2lConfig,
    pub obs: ObsConfig,
    pub unix: UnixConfig,
    pub tcp: TcpConfig,
    pub http: HttpConfig,
}

impl Default for PublishConfig {
    fn default() -> Self {
        Self {
            levels: false,
            only: Vec::new(),
            queue_messages: 1024,
            osc: OscConfig::default(),
            command: CommandConfig::default(),
            midi: MidiConfig::default(),
            mqtt: MqttConfig::default(),
            os2l: Os2lConfig::default(),
            obs: ObsConfig::default(),
            unix: UnixConfig::default(),
            tcp: TcpConfig::default(),
            http: HttpConfig::default(),
        }
    }
}

impl PublishConfig {
    /// Whether any receiver can get `level` messages.
    pub fn levels_required(&self) -> bool {
        self.levels || self.unix.enabled || self.tcp.enabled || self.http.enabled
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=QUEUE_MESSAGES_MAX).contains(&self.queue_messages) {
            return Err(ConfigError::value(
                "publish.queue_messages",
                format!(
                    "{} is not in 1 to {QUEUE_MESSAGES_MAX}",
                    self.queue_messages
                ),
            ));
        }
        if self.only.contains(&MessageType::Level) && !self.levels {
            return Err(ConfigError::Conflict(
                "`only` includes level messages, but levels are off: set `levels` (--levels) too"
                    .into(),
            ));
        }
        self.osc.check()?;
        self.command.check()?;
        self.midi.check()?;
        self.mqtt.check()?;
        self.os2l.check()?;
        self.obs.check()?;
        self.unix.check()?;
        self.tcp.check()?;
        self.http.check()
    }
}
