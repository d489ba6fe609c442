//! Normalisation of log-mel values before a network.

use serde::{Deserialize, Serialize};

use crate::frontend::MEL_BANDS;

/// Smallest standard deviation of a band. A band that hardly varies in training would amplify noise.
pub const MIN_STD: f32 = 1e-3;

/// How a network treats the level of its input.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LevelMode {
    /// Level is information: the same music at a lower level is another input.
    #[default]
    Absolute,
    /// Every window is brought to one level first, so that gain before the program has no effect.
    Relative,
}

/// The level of windows under [`LevelMode::Relative`], that of usual recordings of music: the natural logarithm of
/// their root mean square mel magnitude.
pub(super) const REFERENCE_LEVEL: f32 = -1.3;

impl LevelMode {
    /// Whether it is the default, which is left out of files.
    pub fn is_absolute(&self) -> bool {
        *self == Self::Absolute
    }

    /// The offset for the log-mel values of a window. The mean is one of powers, not of logarithms: a voice after
    /// silence is then as loud as a voice after music.
    fn offset(self, log_mel: &[f32]) -> f32 {
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

/// Level, then mean and standard deviation of each log-mel band over the training data.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    /// Applied first.
    pub level: LevelMode,
    /// Mean of each band, in nepers.
    pub mean: [f32; MEL_BANDS],
    /// Standard deviation of each band, in nepers, at least [`MIN_STD`].
    pub std: [f32; MEL_BANDS],
}

impl Normalisation {
    /// Whether the bands have the same means and deviations.
    pub fn has_bands_of(&self, other: &Self) -> bool {
        (self.mean, self.std) == (other.mean, other.std)
    }

    /// The factor and the summand of each band that convert values normalised by `before` to this normalisation. Both
    /// must have the same level mode.
    pub fn after(&self, before: &Self) -> [[f32; MEL_BANDS]; 2] {
        let factor = |band: usize| before.std[band] / self.std[band];
        let summand = |band: usize| (before.mean[band] - self.mean[band]) / self.std[band];
        [std::array::from_fn(factor), std::array::from_fn(summand)]
    }

    /// Normalises the log-mel values of a window (frames × 80) into `out`, which has the same length.
    pub fn apply(&self, log_mel: &[f32], out: &mut [f32]) {
        let offset = self.level.offset(log_mel);
        for (i, (out, x)) in out.iter_mut().zip(log_mel).enumerate() {
            let band = i % MEL_BANDS;
            *out = (x + offset - self.mean[band]) / self.std[band];
        }
    }
}
