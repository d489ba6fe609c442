//! What a run is told: a TOML file over the defaults, the environment over the file, the command line
//! over all.
//!
//! Values that belong to the model say `"checkpoint"` until they are set: then the checkpoint's
//! own hold, which were chosen on validation.

mod command;
mod decision;
mod environment;
mod keys;
mod midi;
mod mqtt;
mod osc;
mod sockets;
mod source;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use command::CommandConfig;
pub use decision::DecisionConfig;
pub use keys::Change;
pub(crate) use keys::changes;
pub use midi::{MidiConfig, MidiStreamConfig};
pub use mqtt::{Broker, MqttConfig, MqttVersion};
pub use osc::OscConfig;
pub use sockets::{HttpConfig, TcpConfig, UnixConfig};
pub use source::SourceConfig;

use crate::inference::DeviceError;
use vocald_client::MessageType;

/// More messages than this in a sink's queue are no buffer but a leak: some 20 minutes of one stream.
const QUEUE_MESSAGES_MAX: usize = 16_384;

/// Everything a run can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub model: ModelConfig,
    pub decision: DecisionConfig,
    pub publish: PublishConfig,
    /// Several sources run side by side and share the model.
    pub source: Vec<SourceConfig>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// A checkpoint's path, or `built-in`.
    pub file: String,
    /// `auto`, `cpu` or `cuda:N`.
    pub device: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublishConfig {
    /// A `level` message with every decision.
    pub levels: bool,
    /// Types of messages to print; all where it is empty. `hello` and `lagged` always are.
    pub only: Vec<MessageType>,
    /// Messages that wait for a slow receiver before its oldest go.
    pub queue_messages: usize,
    pub osc: OscConfig,
    pub command: CommandConfig,
    pub midi: MidiConfig,
    pub mqtt: MqttConfig,
    pub unix: UnixConfig,
    pub tcp: TcpConfig,
    pub http: HttpConfig,
}

impl PublishConfig {
    /// Whether anybody may want `level` messages.
    pub fn levels_wanted(&self) -> bool {
        self.levels || self.unix.enabled || self.tcp.enabled || self.http.enabled
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: ModelConfig::default(),
            decision: DecisionConfig::default(),
            publish: PublishConfig::default(),
            source: vec![SourceConfig::default()],
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            file: BUILT_IN.into(),
            device: "auto".into(),
        }
    }
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
            unix: UnixConfig::default(),
            tcp: TcpConfig::default(),
            http: HttpConfig::default(),
        }
    }
}

const BUILT_IN: &str = "built-in";

/// What is wrong with a configuration, in one sentence.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: the configuration cannot be read: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    #[error("{}: {fault}", path.display())]
    File {
        path: PathBuf,
        fault: Box<ConfigError>,
    },
    #[error("with {} from the environment: {fault}", variables.join(", "))]
    Environment {
        variables: Vec<String>,
        fault: Box<ConfigError>,
    },
    #[error("{0}")]
    Syntax(String),
    #[error("there is no key `{key}`{}", nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownKey {
        key: String,
        nearest: Option<String>,
    },
    #[error("{key}: {fault}")]
    Value { key: String, fault: String },
    #[error("{0}")]
    Conflict(String),
}

impl ConfigError {
    pub(crate) fn value(key: impl Into<String>, fault: impl Into<String>) -> Self {
        Self::Value {
            key: key.into(),
            fault: fault.into(),
        }
    }
}

impl Config {
    /// Reads a file, lays the environment over it, and checks. What neither names keeps its default.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = path.map_or(Ok(toml::Table::new()), read_table)?;
        let variables = environment::lay_over(&mut table, environment)?;
        if variables.is_empty() && path.is_none() {
            return Ok(Self::default());
        }
        // The file alone is faultless, so a fault now is the environment's.
        Self::from_table(table).map_err(|fault| match variables[..] {
            [] => fault,
            _ => ConfigError::Environment {
                variables,
                fault: Box::new(fault),
            },
        })
    }

    /// Reads a text and checks it. What it does not name keeps its default.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| syntax(&e))?;
        keys::check_known(&table)?;
        // From the text and not the table, so that a fault is shown in its line.
        let config: Self = toml::from_str(text).map_err(|e| syntax(&e))?;
        config.check()?;
        Ok(config)
    }

    fn from_table(table: toml::Table) -> Result<Self, ConfigError> {
        let config: Self = table.try_into().map_err(|e| syntax(&e))?;
        config.check()?;
        Ok(config)
    }

    /// Checks every value that can be judged without the model and the sources.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.device()?;
        self.decision.check()?;
        if !(1..=QUEUE_MESSAGES_MAX).contains(&self.publish.queue_messages) {
            return Err(ConfigError::value(
                "publish.queue_messages",
                format!(
                    "{} is not in 1 to {QUEUE_MESSAGES_MAX}",
                    self.publish.queue_messages
                ),
            ));
        }
        if self.publish.only.contains(&MessageType::Level) && !self.publish.levels {
            return Err(ConfigError::Conflict(
                "only some messages are to be printed, levels among them, but levels are not \
                 told: set `levels` (--levels) too"
                    .into(),
            ));
        }
        self.publish.osc.check()?;
        self.publish.command.check()?;
        self.publish.midi.check()?;
        self.publish.mqtt.check()?;
        self.publish.unix.check()?;
        self.publish.tcp.check()?;
        self.publish.http.check()?;
        if self.source.is_empty() {
            return Err(ConfigError::Conflict(
                "there is no source to listen to".into(),
            ));
        }
        for source in &self.source {
            source.check()?;
        }
        let names: Vec<&str> = self.source.iter().map(SourceConfig::stream_name).collect();
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                return Err(ConfigError::Conflict(format!(
                    "two sources are called `{name}`: give each a `name` of its own"
                )));
            }
        }
        Ok(())
    }

    /// Every key with its value, as TOML.
    pub fn to_toml(&self) -> String {
        keys::as_table(self).to_string()
    }

    /// What differs from `self` to `new`, key by key.
    pub fn diff(&self, new: &Self) -> Vec<Change> {
        keys::diff(self, new)
    }

    /// The checkpoint's path; `None` is the built-in one.
    pub fn model_path(&self) -> Option<&Path> {
        (self.model.file != BUILT_IN).then(|| Path::new(&self.model.file))
    }

    pub fn device(&self) -> Result<crate::inference::ComputeDevice, ConfigError> {
        self.model
            .device
            .parse()
            .map_err(|error: DeviceError| ConfigError::value("model.device", error.to_string()))
    }
}

/// A file's keys, after it was checked on its own.
fn read_table(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Read {
        path: path.into(),
        reason: e.to_string(),
    })?;
    let table = Config::parse(&text).and_then(|_| text.parse().map_err(|e| syntax(&e)));
    table.map_err(|fault| ConfigError::File {
        path: path.into(),
        fault: Box::new(fault),
    })
}

fn syntax(error: &toml::de::Error) -> ConfigError {
    // The text quotes the line and points at the place.
    ConfigError::Syntax(format!(
        "this is not a configuration:\n{}",
        error.to_string().trim_end()
    ))
}

/// A value of the configuration, or the checkpoint's own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum FromCheckpoint<T> {
    #[default]
    Checkpoint,
    Set(T),
}

const CHECKPOINT: &str = "checkpoint";

impl<T: Copy> FromCheckpoint<T> {
    pub fn set(self) -> Option<T> {
        match self {
            Self::Checkpoint => None,
            Self::Set(value) => Some(value),
        }
    }

    pub fn or(self, checkpoint: T) -> T {
        self.set().unwrap_or(checkpoint)
    }
}

impl<T> From<Option<T>> for FromCheckpoint<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Checkpoint, Self::Set)
    }
}

impl<T: Serialize> Serialize for FromCheckpoint<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Checkpoint => serializer.serialize_str(CHECKPOINT),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FromCheckpoint<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<T> {
            Value(T),
            Word(String),
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Value(value)) => Ok(Self::Set(value)),
            Ok(Either::Word(word)) if word == CHECKPOINT => Ok(Self::Checkpoint),
            _ => Err(serde::de::Error::custom(
                "this must be a number or \"checkpoint\"",
            )),
        }
    }
}
