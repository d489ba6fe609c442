//! The loaded networks: each a checkpoint on a device, with inference threads of its own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use vocald_client::message::{Counts, Thresholds};

use crate::config::{Config, ConfigError, DecisionConfig, ModelConfig, SourceConfig};
use crate::decision::{Decider, Horizon, OperatingPoint};
use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, WindowLength};
use crate::inference::engines::{self, EngineFacts};
use crate::inference::{Engine, EngineError, Intake, WeightPrecision, Worker};
use crate::model::Metadata;
use crate::pipeline::daemon_error::DaemonError;
use crate::publish::hub::HelloFacts;
use crate::pulse::Pulses;

/// What makes a loaded network another one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ModelKey {
    /// The checkpoint, and how it is run; its `file` is that of the source, if it has one of its own.
    config: ModelConfig,
    /// Length and time of change of the file: one that was replaced is another checkpoint.
    file: Option<(u64, Option<SystemTime>)>,
}

impl ModelKey {
    /// The network of the checkpoint `file`, or of `[model]`.
    pub fn new(config: &Config, file: &str) -> Self {
        let mut model = config.model.clone();
        if !file.is_empty() {
            file.clone_into(&mut model.file);
        }
        // Windows are dated, not networks.
        model.latency_budget_s = 0.0;
        let file = model.path().map(Path::metadata).and_then(Result::ok);
        Self {
            config: model,
            file: file.map(|file| (file.len(), file.modified().ok())),
        }
    }

    /// Whether the checkpoint's file has changed since it was loaded, and nothing else.
    pub fn is_newer_file_of(&self, other: &Self) -> bool {
        self.config == other.config && self.file != other.file
    }

    /// The checkpoint, for people.
    pub fn name(&self) -> &str {
        &self.config.file
    }
}

/// A loaded network.
pub(super) struct Model {
    pub key: ModelKey,
    pub window: WindowLength,
    metadata: Metadata,
    device: String,
    precision: WeightPrecision,
    intake: Intake,
    /// Taken when the network is not needed any more.
    worker: Mutex<Option<Worker>>,
}

impl Model {
    /// Loads a network and starts its threads.
    pub fn load(key: ModelKey, pulses: &Pulses) -> Result<Arc<Self>, DaemonError> {
        let path: Option<PathBuf> = key.config.path().map(ToOwned::to_owned);
        let (device, precision) = (key.config.device()?, key.config.precision()?);
        let load = move || Engine::load(path.as_deref(), device, precision);
        let config = key.config.clone();
        let threads = move |device: &str| config.inference_threads(device);
        let pulse = |number| pulses.add(format!("inference {number} of {}", key.name()));
        let (worker, facts) = engines::start(load, threads, pulse)?;
        let EngineFacts {
            metadata,
            window,
            device,
            precision,
        } = facts;
        tracing::info!(model = metadata.name, device, %precision, "model ready");
        Ok(Arc::new(Self {
            key,
            window,
            metadata,
            device,
            precision,
            intake: worker.intake(),
            worker: Mutex::new(Some(worker)),
        }))
    }

    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// The horizon that these settings choose, and its operating point.
    pub fn horizon(&self, decision: &DecisionConfig) -> Result<Horizon, ConfigError> {
        decision.horizon(&self.metadata.model_horizons())
    }

    /// Every look-ahead that can be chosen, the longest first.
    pub fn lookaheads_s(&self) -> Vec<f64> {
        let frames = self.metadata.horizons_frames.iter();
        frames.map(|&frames| lookahead_s(frames)).collect()
    }

    /// Decides by these settings, from nothing on.
    pub fn decider(
        &self,
        decision: &DecisionConfig,
        gate_db: f32,
        counts: Counts,
    ) -> Result<Decider, DaemonError> {
        let overlap = self.metadata.new_overlap_average();
        let decider = Decider::new(overlap, self.horizon(decision)?)?.with_gate(gate_db);
        Ok(decider
            .counting(counts)
            .map_err(|error| ConfigError::value("counts", error.to_string()))?)
    }

    /// Whether the settings of a source are possible with this network.
    ///
    /// # Errors
    /// The horizon, its operating point or what counts is not possible.
    pub fn check(&self, config: &Config, source: &SourceConfig) -> Result<(), ConfigError> {
        self.horizon(&source.decision.over(&config.decision))?;
        match source.counts.is_singing() || self.metadata.speech.is_some() {
            true => Ok(()),
            false => Err(source.no_speech_output(self.name())),
        }
    }

    /// What `hello` has of the network and its decisions.
    pub fn facts(&self, horizon: &Horizon) -> (HelloFacts, Thresholds) {
        let facts = HelloFacts {
            model: self.metadata.name.clone(),
            device: self.device.clone(),
            precision: self.precision.to_string(),
            horizons_s: self.lookaheads_s(),
            lookahead_s: lookahead_s(horizon.frames),
            hop_s: WINDOW_HOP_SAMPLES as f64 / f64::from(SAMPLE_RATE_HZ),
            speech_thresholds: horizon.speech.map(|speech| thresholds(&speech.point)),
        };
        (facts, thresholds(&horizon.point))
    }

    /// Whether inference has failed.
    pub fn is_gone(&self) -> bool {
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        worker.as_ref().is_some_and(Worker::is_gone)
    }

    /// Waits until no stream uses the network any more, and ends its threads.
    pub fn finish(&self) -> Result<(), EngineError> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = worker.take();
        worker.map_or(Ok(()), Worker::finish)
    }
}

fn thresholds(point: &OperatingPoint) -> Thresholds {
    Thresholds {
        enter: point.enter,
        reenter: point.reentry.map(|reentry| reentry.reenter),
        leave: point.leave,
    }
}
