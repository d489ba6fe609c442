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
    /// Where a voice has been heard lately, less makes it begin again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Reentry>,
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

/// What it takes for a voice to begin where one has been heard lately: music that somebody sings to has more
/// phrases to come, and music without a singer has none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reentry {
    /// Voice begins at this probability and above.
    pub enter: f32,
    /// How long a voice is remembered: its part in the memory falls to 1/e in so many seconds.
    pub memory_s: f32,
}

impl OperatingPoint {
    /// The point whose states follow a single threshold, with a little hysteresis around it.
    pub fn around(threshold: f32) -> Self {
        Self {
            threshold,
            enter: (threshold + 0.05).min(0.99),
            again: None,
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
        let again = self.again.unwrap_or(Reentry {
            enter: self.enter,
            memory_s: 1.0,
        });
        if !open(self.threshold) || !open(self.enter) || !open(self.leave) || !open(again.enter) {
            Some("thresholds must lie between 0 and 1")
        } else if self.leave > self.enter {
            Some("the threshold to leave voice is above the one to enter it")
        } else if self.leave > again.enter {
            Some("the threshold to leave voice is above the one to enter it again")
        } else if again.enter > self.enter {
            Some("the threshold to enter voice again is above the one to enter it")
        } else if self.confirm_n == 0 || self.confirm_n > self.confirm_m || self.confirm_m > 64 {
            Some("confirmation needs N of M windows with 1 <= N <= M <= 64")
        } else if !seconds(self.min_voice_s) || !seconds(self.min_gap_s) {
            Some("minimum durations must lie between 0 and 60 s")
        } else if !(again.memory_s > 0.0 && again.memory_s <= 3600.0) {
            Some("the memory must be above 0 and no longer than 3600 s")
        } else {
            None
        }
    }
}
