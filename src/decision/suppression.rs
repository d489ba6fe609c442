//! Suppression: likely speech lowers the probability of voice, so that a speaker is not taken for a singer.

use serde::{Deserialize, Serialize};

use crate::decision::PointError;
use crate::decision::overlap_average::{log_odds, probability};

/// Lowers the log odds of voice in proportion to how far those of speech lie above a probability. A certain voice stays:
/// somebody may sing while another speaks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// Probability of speech from which voice is suppressed.
    pub from: f32,
    /// Log odds that voice loses for each of speech above `from`.
    pub weight: f32,
}

impl Suppression {
    /// Largest weight.
    const MAX_WEIGHT: f32 = 100.0;

    /// The probability of voice where that of speech is `speech`.
    #[must_use]
    pub fn apply(&self, voice: f32, speech: f32) -> f32 {
        let above = log_odds(speech) - log_odds(self.from);
        if above > 0.0 {
            probability(log_odds(voice) - self.weight * above)
        } else {
            voice
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), PointError> {
        if !(self.from > 0.0 && self.from < 1.0) {
            return Err(PointError::Threshold);
        }
        match (0.0..=Self::MAX_WEIGHT).contains(&self.weight) {
            true => Ok(()),
            false => Err(PointError::Weight),
        }
    }
}
