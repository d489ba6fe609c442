//! Settings of the training loop.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::training::experiment::SettingError;

/// How weights are fitted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Seed of all random numbers: initial weights, drawn windows, dropout.
    pub seed: u64,
    /// Windows, or sequences, of a training step; at least 2.
    pub batch_windows: usize,
    /// Training steps of an epoch. Every batch is drawn anew.
    pub epoch_batches: usize,
    /// Training ends after this many epochs.
    pub max_epochs: usize,
    /// Training ends earlier if the validation loss has not improved for this many epochs.
    pub patience_epochs: usize,
    /// Adam's learning rate after the warm-up, 0 to 1.
    pub learning_rate: f64,
    /// Epochs after which the learning rate is multiplied by `learning_rate_factor`, again and again.
    pub learning_rate_epochs: usize,
    /// Factor for the learning rate, 0 to 1.
    pub learning_rate_factor: f64,
    /// Training steps over which the learning rate rises linearly from 0.
    #[serde(default)]
    pub warm_up_batches: usize,
    /// L2 weight decay, 0 to 1.
    pub weight_decay: f64,
    /// Part of each label that is spread evenly over both classes, 0 to 0.5.
    #[serde(default)]
    pub label_smoothing: f64,
    /// Time before and after a change of the labels in which they rise or fall linearly instead of at once, up to 1.
    /// The exact time of a change is less certain than that there is one.
    #[serde(default)]
    pub soft_edges_s: f64,
    /// Share of the loss that is against the outputs of a teacher (`--teacher`) instead of the labels, 0 to 1.
    #[serde(default)]
    pub teacher_share: f64,
    /// Decay of the running average of the weights, which validation and the checkpoint use. It moves by
    /// 1 - `average_decay` with each training step; 0 uses the weights themselves.
    #[serde(default)]
    pub average_decay: f64,
    /// Number format of the convolutions.
    #[serde(default)]
    pub precision: Precision,
    /// Train only the outputs for these of `horizons_frames`, and leave everything else of a checkpoint as it
    /// is. Unless given, everything is trained.
    #[serde(default)]
    pub only_horizons_frames: Vec<u32>,
    /// Train only the outputs for speech, and leave everything else of a checkpoint as it is.
    #[serde(default)]
    pub only_speech: bool,
}

/// Number format of the convolutions in a training step. Weights are always 32-bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    Float32,
    /// Faster where the processor has instructions for it (AVX512-BF16, AMX, GPUs), slower elsewhere.
    Bfloat16,
}

impl Training {
    /// Checks everything but `only_horizons_frames`, which depends on the experiment's horizons.
    pub(super) fn validate(&self) -> Result<(), SettingError> {
        let counts = [
            ("batch_windows", self.batch_windows),
            ("epoch_batches", self.epoch_batches),
            ("max_epochs", self.max_epochs),
            ("patience_epochs", self.patience_epochs),
            ("learning_rate_epochs", self.learning_rate_epochs),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(SettingError::Zero(key));
        }
        if self.batch_windows < 2 {
            return Err(SettingError::BatchWindows);
        }
        let fractions = [
            ("learning_rate", self.learning_rate, 1.0),
            ("learning_rate_factor", self.learning_rate_factor, 1.0),
            ("weight_decay", self.weight_decay, 1.0),
            ("label_smoothing", self.label_smoothing, 0.5),
            ("soft_edges_s", self.soft_edges_s, 1.0),
            ("teacher_share", self.teacher_share, 1.0),
            ("average_decay", self.average_decay, 0.999_999),
        ];
        in_range("training", fractions)
    }
}

/// Checks that each value lies between 0 and its maximum.
pub(super) fn in_range(
    table: &'static str,
    values: impl IntoIterator<Item = (&'static str, f64, f64)>,
) -> Result<(), SettingError> {
    let mut values = values.into_iter();
    match values.find(|(_, value, most)| !(0.0..=*most).contains(value)) {
        Some((key, _, most)) => Err(SettingError::Range { table, key, most }),
        None => Ok(()),
    }
}
