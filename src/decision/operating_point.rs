//! The operating point: thresholds, confirmation and minimum durations of one horizon.

use serde::{Deserialize, Serialize};

use crate::decision::{RECENCY_S, Reentry};

/// How the probabilities of one horizon become decisions. Chosen on validation data, then frozen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// Raw decisions (no smoothing) are voice from this probability on.
    pub threshold: f32,
    /// Voice begins from this probability on.
    pub enter: f32,
    /// Lower threshold after recent voice; `None`: always `enter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reentry: Option<Reentry>,
    /// Voice ends below this probability.
    pub leave: f32,
    /// `confirm_n` of the last `confirm_m` windows must agree before the state changes.
    pub confirm_n: u32,
    /// See `confirm_n`; at most 64.
    pub confirm_m: u32,
    /// Minimum duration of a voice, in seconds.
    pub min_voice_s: f32,
    /// A pause between voices that is shorter than this is bridged, in seconds.
    pub min_gap_s: f32,
}

impl OperatingPoint {
    /// A point with little hysteresis around a single threshold.
    pub fn around(threshold: f32) -> Self {
        Self {
            threshold,
            enter: (threshold + 0.05).min(0.99),
            reentry: None,
            leave: (threshold - 0.05).max(0.01),
            confirm_n: 2,
            confirm_m: 3,
            min_voice_s: 0.2,
            min_gap_s: 0.25,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), PointError> {
        let is_threshold = |p: f32| p > 0.0 && p < 1.0;
        let is_duration = |s: f32| (0.0..=60.0).contains(&s);
        let reentry = self.reentry.unwrap_or(Reentry {
            reenter: self.enter,
            recency_s: RECENCY_S,
        });
        let thresholds = [self.threshold, self.enter, self.leave, reentry.reenter];
        let broken = if !thresholds.into_iter().all(is_threshold) {
            PointError::Threshold
        } else if self.leave > self.enter {
            PointError::LeaveAboveEnter
        } else if self.leave > reentry.reenter {
            PointError::LeaveAboveReenter
        } else if reentry.reenter > self.enter {
            PointError::ReenterAboveEnter
        } else if self.confirm_n == 0 || self.confirm_n > self.confirm_m || self.confirm_m > 64 {
            PointError::Confirmation
        } else if !is_duration(self.min_voice_s) || !is_duration(self.min_gap_s) {
            PointError::Duration
        } else if !(reentry.recency_s > 0.0 && reentry.recency_s <= 3600.0) {
            PointError::Recency
        } else {
            return Ok(());
        };
        Err(broken)
    }
}

/// The rule that an operating point breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// A threshold outside 0 to 1.
    #[error("thresholds must lie between 0 and 1")]
    Threshold,
    /// Hysteresis the wrong way round.
    #[error("the threshold to leave voice is above the one to enter it")]
    LeaveAboveEnter,
    /// Hysteresis the wrong way round after recent voice.
    #[error("the threshold to leave voice is above the re-entry threshold")]
    LeaveAboveReenter,
    /// A re-entry threshold that would make re-entry harder.
    #[error("the re-entry threshold is above the threshold to enter voice")]
    ReenterAboveEnter,
    /// An impossible vote.
    #[error("confirmation needs N of M windows with 1 <= N <= M <= 64")]
    Confirmation,
    /// A duration below 0 or above 60 s.
    #[error("minimum durations must lie between 0 and 60 s")]
    Duration,
    /// A time constant of 0, below it, or above an hour.
    #[error("recency_s must be above 0 and at most 3600 s")]
    Recency,
    /// A weight of speech below 0 or above 100.
    #[error("the weight of speech must lie between 0 and 100")]
    Weight,
}
