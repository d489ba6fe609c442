//! Reading the configuration again: what a change needs is loaded and opened beside the run, which goes on meanwhile.

use std::sync::Arc;

use crate::config::{Config, ConfigError, SourceConfig};
use crate::pipeline::daemon_error::DaemonError;
use crate::pipeline::models::{Model, ModelKey};
use crate::pipeline::sources::{OpenSource, Opener};
use crate::publish::Hub;
use crate::pulse::Pulses;

/// Reads the configuration, or says in one sentence why it cannot be used.
pub type ReadConfig = dyn Fn() -> Result<Config, String> + Send + Sync;

/// Why a configuration that was read again is not used.
pub(super) struct NotUsed {
    pub reason: String,
    /// It can never be used as it is.
    pub impossible: bool,
}

impl From<DaemonError> for NotUsed {
    fn from(error: DaemonError) -> Self {
        Self {
            reason: error.to_string(),
            impossible: error.is_usage(),
        }
    }
}

/// Standard input can be opened once.
const STDIN: &str = "-";
/// The queues of the sinks are as long as they were at their start.
const QUEUE_KEY: &str = "publish.queue_messages";

/// A new configuration, and what it needs.
pub(super) struct Prepared {
    pub config: Config,
    /// The network of each source, by its place.
    pub models: Vec<Arc<Model>>,
    /// The sources that are new or play something else.
    pub opened: Vec<OpenSource>,
    /// The keys that differ, and the checkpoints whose files have changed.
    pub changed: Vec<String>,
    /// Those of them that only a restart applies.
    pub restart: Vec<String>,
}

/// The configuration at work.
#[derive(Clone)]
pub(super) struct Present {
    pub config: Config,
    /// Sources of it that have failed for good.
    pub failed: Vec<String>,
    pub models: Vec<Arc<Model>>,
    pub opener: Opener,
    pub pulses: Pulses,
}

impl Present {
    /// Loads and opens what `config` needs and is not there yet.
    pub fn prepare(&self, config: Config) -> Result<Prepared, DaemonError> {
        let mut prepared = Prepared {
            changed: changed(&self.config, &config),
            restart: Vec::new(),
            models: Vec::new(),
            opened: Vec::new(),
            config,
        };
        let config = &mut prepared.config;
        for source in &mut config.source {
            let before = self.config.source.iter().find(|s| same_name(s, source));
            if let Some(before) = before
                && source.input == STDIN
                && !source.plays_as(before)
            {
                prepared
                    .restart
                    .push(format!("source {}", source.stream_name()));
                *source = SourceConfig {
                    model: source.model.clone(),
                    gain_db: source.gain_db,
                    gate_db: source.gate_db,
                    counts: source.counts,
                    decision: source.decision,
                    ..before.clone()
                };
            }
        }
        if prepared.changed.iter().any(|key| key == QUEUE_KEY) {
            prepared.restart.push(QUEUE_KEY.into());
        }
        for source in &config.source {
            let model = self.model(config, source, &prepared.models)?;
            model.check(config, source)?;
            let before = self.config.source.iter().find(|s| same_name(s, source));
            let failed = self.failed.iter().any(|name| name == source.stream_name());
            if failed || before.is_none_or(|before| !before.plays_as(source)) {
                prepared.opened.push(self.opener.open(config, source)?);
            }
            let replaced = self
                .models
                .iter()
                .any(|m| model.key.is_newer_file_of(&m.key));
            let key = format!("{} (its content)", model.key.name());
            if replaced && !prepared.changed.contains(&key) {
                prepared.changed.push(key);
            }
            prepared.models.push(model);
        }
        Ok(prepared)
    }

    /// The network of a source: one that is loaded, or a new one.
    fn model(
        &self,
        config: &Config,
        source: &SourceConfig,
        loaded: &[Arc<Model>],
    ) -> Result<Arc<Model>, DaemonError> {
        let key = ModelKey::new(config, &source.model);
        let known = loaded.iter().chain(&self.models).find(|m| m.key == key);
        match known {
            Some(model) => Ok(Arc::clone(model)),
            None => Model::load(key, &self.pulses),
        }
    }
}

/// A hub whose `hello` has the network and the thresholds of the first source.
pub(super) fn new_hub(config: &Config, models: &[Arc<Model>]) -> Result<Hub, DaemonError> {
    let first = config.source.first().zip(models.first());
    let (source, model) =
        first.ok_or_else(|| ConfigError::Conflict("there is no source to listen to".into()))?;
    let horizon = model.horizon(&source.decision.over(&config.decision))?;
    let (facts, thresholds) = model.facts(&horizon);
    Ok(Hub::new(facts).with_thresholds(thresholds))
}

fn same_name(a: &SourceConfig, b: &SourceConfig) -> bool {
    a.stream_name() == b.stream_name()
}

fn changed(old: &Config, new: &Config) -> Vec<String> {
    let changes = old.diff(new);
    changes.into_iter().map(|change| change.key).collect()
}
