//! What is done to log-mel values before a network sees them.

use serde::{Deserialize, Serialize};

use crate::frontend::MEL_BANDS;

/// What loudness means to a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LevelMode {
    /// It is heard: the same music, softer, is another image.
    #[default]
    Absolute,
    /// Every window is brought to one level first, so that no gain before the program changes an answer.
    Relative,
}

/// The level that windows are brought to, as a logarithm of their root mean square mel magnitude: that of
/// music as it is usually recorded.
pub const REFERENCE_LEVEL: f32 = -1.3;

impl LevelMode {
    /// For leaving it out of what is written.
    pub fn is_absolute(&self) -> bool {
        *self == Self::Absolute
    }

    /// What is added to the log-mel values of a window. The mean is of powers and not of logarithms: a
    /// voice after silence is as loud as one after music.
    fn change(self, log_mel: &[f32]) -> f32 {
        match self {
            Self::Absolute => 0.0,
            Self::Relative => {
                let power: f32 = log_mel.iter().map(|x| (2.0 * x).exp()).sum();
                let rms = (power / log_mel.len() as f32).sqrt();
                REFERENCE_LEVEL - rms.max(f32::MIN_POSITIVE).ln()
            }
        }
    }
}

/// LevelMode, then mean and standard deviation of each log-mel band over the training set.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    pub level: LevelMode,
    pub mean: [f32; MEL_BANDS],
    pub std: [f32; MEL_BANDS],
}

impl Normalisation {
    /// Whether the bands have the same means and deviations.
    pub fn has_bands_of(&self, other: &Self) -> bool {
        (self.mean, self.std) == (other.mean, other.std)
    }

    /// Factor and summand of each band that bring values which `before` made to what this one would
    /// have made of them. The level must be the same.
    pub fn after(&self, before: &Self) -> [[f32; MEL_BANDS]; 2] {
        let factor = |band: usize| before.std[band] / self.std[band];
        let summand = |band: usize| (before.mean[band] - self.mean[band]) / self.std[band];
        [std::array::from_fn(factor), std::array::from_fn(summand)]
    }

    /// A window's values as the network sees them, frame after frame, from its log-mel values.
    pub fn apply(&self, log_mel: &[f32], out: &mut [f32]) {
        let change = self.level.change(log_mel);
        for (i, (out, x)) in out.iter_mut().zip(log_mel).enumerate() {
            let band = i % MEL_BANDS;
            *out = (x + change - self.mean[band]) / self.std[band];
        }
    }
}
