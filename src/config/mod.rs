//! Runtime configuration. Precedence: command line, environment, TOML file, defaults.
//!
//! Plain data and its validation. Keys that belong to the model are `"checkpoint"` by default: the checkpoint's own
//! value holds ([`FromCheckpoint`]). [`reference()`] documents every key.

mod command;
mod decision;
mod environment;
mod error;
mod from_checkpoint;
mod hook;
mod keys;
mod midi;
mod mqtt;
mod osc;
mod problems;
mod published_horizon;
mod reference;
mod sockets;
mod source;

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocald_client::MessageType;

use crate::model_shelf::{BUILT_IN, ModelFile};

pub use command::CommandConfig;
pub use decision::DecisionConfig;
pub use error::ConfigError;
pub use from_checkpoint::FromCheckpoint;
pub use hook::HookConfig;
pub use keys::Change;
pub(crate) use keys::changes;
pub use midi::{MidiConfig, MidiStreamConfig};
pub use mqtt::{Broker, MqttConfig, MqttVersion};
pub use osc::OscConfig;
pub use reference::{example, reference};
pub(crate) use sockets::listen_address;
pub use sockets::{HttpAccess, HttpConfig, TcpConfig, TlsFiles, UnixConfig};
pub use source::SourceConfig;

/// Twenty minutes of one stream; a receiver that is further behind does not catch up.
const QUEUE_MESSAGES_MAX: usize = 16_384;
const THREADS_MAX: usize = 64;
/// Less is shorter than a pass of the deeper networks.
const BUDGET_MIN_S: f64 = 0.05;
const BUDGET_MAX_S: f64 = 10.0;

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

/// The checkpoint and the processor it runs on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Path of a checkpoint, the name of a shipped one (`vocald model list`), or `built-in`.
    pub file: String,
    /// `auto` (CUDA if there is a device, otherwise the CPU), `cpu` or `cuda:N`.
    pub device: String,
    /// `float32`; `bfloat16` (weights of half the size); or `auto`: bfloat16 on a CPU with AVX2 or AVX-512 if it hardly
    /// moves a probability.
    pub precision: String,
    /// Threads that run the network, each with its own copy; a stream's windows stay in order. 0: two on a CPU with
    /// two cores or more, else one. At most 64.
    pub threads: usize,
    /// Live sources: a window that cannot be decided on within this time after its sound arrived, in seconds, is
    /// skipped and published as a `gap`, so that the lag does not grow. A decision that comes later all the same is
    /// marked `late`. 0.05 to 10.
    pub latency_budget_s: f64,
}

/// Messages for other programs. Standard output always gets them; the tables below turn on more receivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)] // Each table is documented by its type.
pub struct PublishConfig {
    /// Whether to print a `level` message with every decision.
    pub levels: bool,
    /// Types of messages to print: `decision`, `onset`, `offset`, `state`, `gap`, `level`, `settings`, `sink`,
    /// `reload`, `lock`. Empty: all. `hello` and `lagged` are always printed.
    pub only: Vec<MessageType>,
    /// Messages that wait for a slow receiver before its oldest are dropped. 1 to 16384.
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
    /// Whether any receiver can get `level` messages.
    pub fn levels_required(&self) -> bool {
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
            hook: Vec::new(),
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            file: BUILT_IN.into(),
            device: "auto".into(),
            precision: "auto".into(),
            threads: 0,
            latency_budget_s: 0.2,
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
            config.model.find()?;
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

    /// Every key with its value, as TOML.
    pub fn to_toml(&self) -> String {
        keys::as_table(self).to_string()
    }

    /// The keys that differ from `self` to `new`.
    pub fn diff(&self, new: &Self) -> Vec<Change> {
        keys::diff(self, new)
    }

    /// The checkpoint's path; `None` for the built-in one.
    pub fn model_path(&self) -> Option<&Path> {
        (self.model.file != BUILT_IN).then(|| Path::new(&self.model.file))
    }

    /// `model.device`, read by the type of the stage that uses it (`ComputeDevice` of inference).
    ///
    /// # Errors
    ///
    /// If that type cannot read it.
    pub fn device<D: FromStr<Err: Display>>(&self) -> Result<D, ConfigError> {
        let device = self.model.device.parse();
        device.map_err(|e: D::Err| ConfigError::value("model.device", e.to_string()))
    }

    /// `model.precision`, read by the type of the stage that uses it (`ComputePrecision` of inference).
    ///
    /// # Errors
    ///
    /// If that type cannot read it.
    pub fn precision<P: FromStr<Err: Display>>(&self) -> Result<P, ConfigError> {
        let precision = self.model.precision.parse();
        precision.map_err(|e: P::Err| ConfigError::value("model.precision", e.to_string()))
    }
}

impl ModelConfig {
    /// Replaces the name of a shipped checkpoint by its path.
    pub(crate) fn find(&mut self) -> Result<(), ConfigError> {
        let found = ModelFile::find(&self.file);
        let found = found.map_err(|e| ConfigError::value("model.file", e.to_string()))?;
        self.file = match found {
            ModelFile::BuiltIn => BUILT_IN.into(),
            ModelFile::File(path) => path.to_string_lossy().into_owned(),
        };
        Ok(())
    }

    /// `latency_budget_s`, within its limits.
    #[allow(clippy::manual_clamp)] // `clamp` would keep NaN.
    pub fn latency_budget(&self) -> Duration {
        // NaN becomes the lower limit.
        Duration::from_secs_f64(self.latency_budget_s.max(BUDGET_MIN_S).min(BUDGET_MAX_S))
    }

    /// Threads that run the network on `device`, as inference names it.
    pub fn inference_threads(&self, device: &str) -> usize {
        match self.threads {
            0 if device == "cpu" => {
                std::thread::available_parallelism().map_or(1, |n| n.get().min(2))
            }
            0 => 1,
            threads => threads,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.threads > THREADS_MAX {
            let problem = format!("{} is more than {THREADS_MAX}", self.threads);
            return Err(ConfigError::value("model.threads", problem));
        }
        if !(BUDGET_MIN_S..=BUDGET_MAX_S).contains(&self.latency_budget_s) {
            let problem = format!(
                "{} is not in {BUDGET_MIN_S} to {BUDGET_MAX_S} s",
                self.latency_budget_s
            );
            return Err(ConfigError::value("model.latency_budget_s", problem));
        }
        let device = self.device.as_str();
        let cuda = device.strip_prefix("cuda:").map(str::parse::<usize>);
        if !matches!(device, "auto" | "cpu" | "cuda") && !matches!(cuda, Some(Ok(_))) {
            return Err(ConfigError::value(
                "model.device",
                format!("`{device}` is no device: use auto, cpu or cuda:N"),
            ));
        }
        let precision = self.precision.as_str();
        match matches!(precision, "auto" | "float32" | "bfloat16") {
            true => Ok(()),
            false => Err(ConfigError::value(
                "model.precision",
                format!("`{precision}` is no precision: use auto, float32 or bfloat16"),
            )),
        }
    }
}

impl PublishConfig {
    fn check(&self) -> Result<(), ConfigError> {
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
        self.unix.check()?;
        self.tcp.check()?;
        self.http.check()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::ComputeDevice;

    #[test]
    fn the_check_accepts_the_devices_that_inference_reads() {
        for device in [
            "auto", "cpu", "cuda", "cuda:0", "cuda:12", "", "gpu", "CPU", "cuda:", "cuda:x",
            "cuda:-1", "cuda:+1",
        ] {
            let mut config = Config::default();
            config.model.device = device.into();
            let read = config.device::<ComputeDevice>();
            assert_eq!(config.check().is_ok(), read.is_ok(), "{device}");
        }
    }
}
