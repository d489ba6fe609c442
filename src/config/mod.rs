//! Runtime configuration. Precedence: command line, environment, TOML file, defaults.
//!
//! Plain data and its validation. Keys that belong to the model are `"checkpoint"` by default: the checkpoint's own
//! value holds ([`FromCheckpoint`]). [`reference()`] documents every key.

mod action;
mod command;
mod decision;
mod decision_change;
mod environment;
mod error;
mod from_checkpoint;
mod hook;
mod keys;
mod midi;
mod model;
mod mqtt;
mod obs;
mod os2l;
mod osc;
mod problems;
mod publish;
mod published_horizon;
mod receiver;
mod reference;
mod sockets;
mod source;
mod source_decision;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use action::check_action;
pub use command::CommandConfig;
pub use decision::DecisionConfig;
pub use error::ConfigError;
pub use from_checkpoint::FromCheckpoint;
pub use hook::HookConfig;
pub use keys::Change;
pub(crate) use keys::changes;
pub use midi::{MidiConfig, MidiStreamConfig};
pub use model::ModelConfig;
pub use mqtt::{Broker, MqttConfig, MqttVersion};
pub use obs::ObsConfig;
pub use os2l::{DISCOVER as OS2L_DISCOVER, Os2lConfig};
pub use osc::OscConfig;
pub use publish::PublishConfig;
use receiver::check_receiver;
pub use reference::{example, reference};
pub(crate) use sockets::listen_address;
pub use sockets::{HttpAccess, HttpConfig, TcpConfig, TlsFiles, UnixConfig};
pub use source::{GAIN_DB, GATE_DB, SourceConfig, check_level};
pub use source_decision::SourceDecisionConfig;

/// The whole configuration of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // Each table is documented by its type.
pub struct Config {
    pub model: ModelConfig,
    pub decision: DecisionConfig,
    pub publish: PublishConfig,
    pub source: Vec<SourceConfig>,
    pub hook: Vec<HookConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: ModelConfig::default(),
            decision: DecisionConfig::default(),
            publish: PublishConfig::default(),
            source: vec![SourceConfig::default()],
            hook: Vec::new(),
        }
    }
}

impl Config {
    /// The file, if there is one, with the environment over it. What neither sets keeps its default.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or [`check`](Self::check) fails; the error names the file or the variables.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = path.map_or(Ok(toml::Table::new()), read_table)?;
        let variables = environment::lay_over(&mut table, environment)?;
        if variables.is_empty() && path.is_none() {
            return Ok(Self::default());
        }
        // The file alone is valid, so an error now is the environment's.
        let config = Self::from_table(table).and_then(|mut config| {
            config.find_models()?;
            Ok(config)
        });
        config.map_err(|problem| match variables[..] {
            [] => problem,
            _ => ConfigError::Environment {
                variables,
                problem: Box::new(problem),
            },
        })
    }

    /// Reads and checks TOML. What it does not set keeps its default.
    ///
    /// # Errors
    ///
    /// If it is not TOML, has an unknown key, or [`check`](Self::check) fails.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = text.parse().map_err(|e| ConfigError::syntax(&e))?;
        keys::check_known(&table)?;
        // From the text and not from the table, so that an error quotes the line.
        let config: Self = toml::from_str(text).map_err(|e| ConfigError::syntax(&e))?;
        config.check()?;
        Ok(config)
    }

    /// All that is wrong with a file's text; nothing if [`parse`](Self::parse) accepts it.
    pub fn problems(text: &str) -> Vec<ConfigError> {
        problems::problems(text)
    }

    fn from_table(table: toml::Table) -> Result<Self, ConfigError> {
        let config: Self = table.try_into().map_err(|e| ConfigError::syntax(&e))?;
        config.check()?;
        Ok(config)
    }

    /// Checks everything that can be checked without the model and the sources.
    ///
    /// # Errors
    ///
    /// The first invalid value or combination.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.model.check()?;
        self.decision.check()?;
        self.publish.check()?;
        if self.source.is_empty() {
            return Err(ConfigError::Conflict(
                "there is no source to listen to".into(),
            ));
        }
        for source in &self.source {
            source.check()?;
        }
        for hook in &self.hook {
            hook.check()?;
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

    /// Replaces the names of shipped checkpoints by their paths.
    pub(crate) fn find_models(&mut self) -> Result<(), ConfigError> {
        self.model.find()?;
        self.source
            .iter_mut()
            .try_for_each(SourceConfig::find_model)
    }

    /// Every key with its value, as TOML.
    pub fn to_toml(&self) -> String {
        keys::as_table(self).to_string()
    }

    /// The keys that differ from `self` to `new`.
    pub fn diff(&self, new: &Self) -> Vec<Change> {
        keys::diff(self, new)
    }
}

/// The keys of a file, which is checked first.
fn read_table(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Read {
        path: path.into(),
        reason: e.to_string(),
    })?;
    let of_file = |problem| ConfigError::File {
        path: path.into(),
        problem: Box::new(problem),
    };
    let mut problems = Config::problems(&text);
    match problems.len() {
        0 => text.parse().map_err(|e| of_file(ConfigError::syntax(&e))),
        1 => Err(of_file(problems.remove(0))),
        _ => Err(of_file(ConfigError::Several(problems))),
    }
}

fn number_from_0(key: &str, value: f64) -> Result<(), ConfigError> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(()),
        false => Err(ConfigError::value(
            key,
            format!("{value} is not a number from 0 up"),
        )),
    }
}
