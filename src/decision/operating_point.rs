//! How a horizon's probabilities become decisions.

use serde::{Deserialize, Serialize};

/// How long voices are remembered unless something else is asked for: from a phrase to the next. (On validation,
/// memories of 5 to 30 s do alike.)
pub const RECENCY_S: f32 = 10.0;

/// How a horizon's probabilities become decisions; chosen on validation, then frozen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatingPoint {
    /// Raw decisions (no smoothing) are voice at this probability and above.
    pub threshold: f32,
    /// Voice begins at this probability and above.
    pub enter: f32,
    /// Lower onset threshold while recent output contained singing; `None`: always `enter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reentry: Option<Reentry>,
    /// Voice ends below this probability.
    pub leave: f32,
    /// `confirm_n` of the last `confirm_m` windows must agree before the state changes.
    pub confirm_n: u32,
    pub confirm_m: u32,
    /// A voice that has begun lasts at least this long.
    pub min_voice_s: f32,
    /// A pause between voices that is shorter than this is bridged.
    pub min_gap_s: f32,
}

/// Lower onset threshold applied while recent output contained singing: vocal music usually has further
/// phrases, instrumental music does not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reentry {
    /// Voice begins at this probability and above.
    pub reenter: f32,
    /// Time constant of the recency average: past voice counts 1/e after this many seconds.
    pub recency_s: f32,
}

impl OperatingPoint {
    /// The point whose states follow a single threshold, with a little hysteresis around it.
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

    /// What is wrong with it, if anything.
    pub fn fault(&self) -> Option<&'static str> {
        let open = |p: f32| p > 0.0 && p < 1.0;
        let seconds = |s: f32| (0.0..=60.0).contains(&s);
        let reentry = self.reentry.unwrap_or(Reentry {
            reenter: self.enter,
            recency_s: 1.0,
        });
        if !open(self.threshold) || !open(self.enter) || !open(self.leave) || !open(reentry.reenter) {
            Some("thresholds must lie between 0 and 1")
        } else if self.leave > self.enter {
            Some("the threshold to leave voice is above the one to enter it")
        } else if self.leave > reentry.reenter {
            Some("the threshold to leave voice is above the re-entry threshold")
        } else if reentry.reenter > self.enter {
            Some("the re-entry threshold is above the threshold to enter voice")
        } else if self.confirm_n == 0 || self.confirm_n > self.confirm_m || self.confirm_m > 64 {
            Some("confirmation needs N of M windows with 1 <= N <= M <= 64")
        } else if !seconds(self.min_voice_s) || !seconds(self.min_gap_s) {
            Some("minimum durations must lie between 0 and 60 s")
        } else if !(reentry.recency_s > 0.0 && reentry.recency_s <= 3600.0) {
            Some("recency_s must be above 0 and at most 3600 s")
        } else {
            None
        }
    }
}
