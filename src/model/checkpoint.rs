//! What a checkpoint file holds, and every reason to refuse one.
//!
//! A `.safetensors` file: the weights, `mean` and `std` of the log-mel bands, and under the
//! metadata key `vocald` a JSON object, [`Metadata`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How the daemon turns a horizon's probabilities into a state, chosen on validation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// Raw decisions (no smoothing) are voice at this probability and above.
    pub threshold: f32,
    /// Voice begins at this probability and above.
    pub enter: f32,
    /// Voice ends below this probability.
    pub leave: f32,
    /// `confirm_n` of the last `confirm_m` windows must agree before the state changes.
    pub confirm_n: u32,
    pub confirm_m: u32,
    /// A voice that has begun lasts at least this long.
    pub min_voice_s: f32,
    /// A gap between voices shorter than this is bridged: the state stays voice this long after the voice ends.
    pub min_gap_s: f32,
}

/// Everything that must hold for the weights to mean what they were trained to mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub format_version: u32,
    /// A short name, as `live-14`.
    pub name: String,
    /// `se_resnet`.
    pub architecture: String,
    pub depth: u32,
    pub frontend: FrontendNumbers,
    /// Distance of each output's frame from the window's last frame, in frames, largest look-ahead first.
    pub horizons_frames: Vec<u32>,
    /// One for each horizon.
    pub operating_points: Vec<OperatingPoint>,
    /// The horizon that is published unless another is asked for.
    pub default_horizon_frames: u32,
    pub trained_on: Vec<String>,
    /// Measured figures, by a name that says what and on which data.
    pub figures: BTreeMap<String, f64>,
    pub license: String,
}

/// The numbers of the frontend that the network was trained behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontendNumbers {
    pub sample_rate_hz: u32,
    pub frame_samples: u32,
    pub hop_samples: u32,
    pub mel_bands: u32,
    pub mel_min_hz: f64,
    pub mel_max_hz: f64,
    pub log_floor: f64,
    pub window_frames: u32,
    pub window_hop_frames: u32,
}

/// A checkpoint that was read whole and found good.
pub struct Checkpoint {
    pub metadata: Metadata,
}

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("{}: {reason}", path.display())]
    Refused { path: PathBuf, reason: String },
}

impl Checkpoint {
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        todo!()
    }
}
