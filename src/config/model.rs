//! `[model]`: the checkpoint and the processor it runs on.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::model_shelf::{BUILT_IN, ModelFile};

const THREADS_MAX: usize = 64;
/// Less is shorter than a pass of the deeper networks.
const BUDGET_MIN_S: f64 = 0.05;
const BUDGET_MAX_S: f64 = 10.0;

/// The checkpoint and the processor it runs on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Path of a checkpoint, the name of a shipped one (`vocald model list`), or `built-in`.
    pub file: String,
    /// `auto` (CUDA if there is a device, otherwise the CPU), `cpu` or `cuda:N`.
    pub device: String,
    /// `float32`; `bfloat16` (weights of half the size); `float16` (half the time; only on a processor with
    /// AVX512-FP16 or a GPU); or `auto`: on a CPU float16 if it has it, else bfloat16 for weights of more than 32 MiB,
    /// where that hardly moves a probability, else float32.
    pub precision: String,
    /// Threads that run the network; a stream's windows stay in order. With a network compiled for the CPU (AVX2 or
    /// AVX-512) they share its weights, else each has its own copy. 0: two on a CPU with two cores or more, else one. At
    /// most 64.
    pub threads: usize,
    /// Live sources: a window that cannot be decided on within this time after its sound arrived, in seconds, is
    /// skipped and published as a `gap`, so that the lag does not grow. A decision that comes later all the same is
    /// marked `late`. 0.05 to 10.
    pub latency_budget_s: f64,
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

impl ModelConfig {
    /// The checkpoint's path; `None` for the built-in one.
    pub fn path(&self) -> Option<&Path> {
        (self.file != BUILT_IN).then(|| Path::new(&self.file))
    }

    /// `device`, read by the type of the stage that uses it (`ComputeDevice` of inference).
    ///
    /// # Errors
    ///
    /// If that type cannot read it.
    pub fn device<D: FromStr<Err: Display>>(&self) -> Result<D, ConfigError> {
        let device = self.device.parse();
        device.map_err(|e: D::Err| ConfigError::value("model.device", e.to_string()))
    }

    /// `precision`, read by the type of the stage that uses it (`ComputePrecision` of inference).
    ///
    /// # Errors
    ///
    /// If that type cannot read it.
    pub fn precision<P: FromStr<Err: Display>>(&self) -> Result<P, ConfigError> {
        let precision = self.precision.parse();
        precision.map_err(|e: P::Err| ConfigError::value("model.precision", e.to_string()))
    }

    /// Replaces the name of a shipped checkpoint by its path.
    pub(crate) fn find(&mut self) -> Result<(), ConfigError> {
        let found = find(&self.file);
        self.file = found.map_err(|e| ConfigError::value("model.file", e))?;
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

    pub(super) fn check(&self) -> Result<(), ConfigError> {
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
        match matches!(precision, "auto" | "float32" | "bfloat16" | "float16") {
            true => Ok(()),
            false => Err(ConfigError::value(
                "model.precision",
                format!("`{precision}` is no precision: use auto, float32, bfloat16 or float16"),
            )),
        }
    }
}

/// The path of a checkpoint that a name or path names, or `built-in`.
pub(super) fn find(file: &str) -> Result<String, String> {
    Ok(match ModelFile::find(file).map_err(|e| e.to_string())? {
        ModelFile::BuiltIn => BUILT_IN.into(),
        ModelFile::File(path) => path.to_string_lossy().into_owned(),
    })
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
            let config = ModelConfig {
                device: device.into(),
                ..ModelConfig::default()
            };
            let read = config.device::<ComputeDevice>();
            assert_eq!(config.check().is_ok(), read.is_ok(), "{device}");
        }
    }
}
