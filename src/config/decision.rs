//! `[decision]`: the look-ahead to publish and changes to its operating point.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, FromCheckpoint};

/// Which output of the model is published and how its probabilities become states. Every key is the checkpoint's own
/// until it is set; those values were chosen on validation data.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionConfig {
    /// The horizon to publish: how far before the end of the window the decision's frame lies, in frames of
    /// 14.286 ms. `vocald model info` lists those that a model offers.
    pub horizon_frames: FromCheckpoint<u32>,
    /// Instead of `horizon_frames`: publish the longest horizon whose look-ahead is at most this.
    pub lookahead_s: FromCheckpoint<f64>,
    /// Moves `enter`, `reenter` and `leave` together, by the distance of this probability from the checkpoint's
    /// `threshold`.
    pub threshold: FromCheckpoint<f32>,
    /// Voice begins at this probability and above.
    pub enter: FromCheckpoint<f32>,
    /// The same while recent output contained singing; lies between `leave` and `enter`. Equal to `enter`: no
    /// difference.
    pub reenter: FromCheckpoint<f32>,
    /// Time constant of "recent" in `reenter`: past voice counts 1/e after this time.
    pub recency_s: FromCheckpoint<f32>,
    /// Voice ends below this probability.
    pub leave: FromCheckpoint<f32>,
    /// Windows among the last `confirm_m` that must agree before the state changes.
    pub confirm_n: FromCheckpoint<u32>,
    /// Windows that are considered for a change of state, 71.4 ms apart; at most 64.
    pub confirm_m: FromCheckpoint<u32>,
    /// A voice lasts at least this long.
    pub min_voice_s: FromCheckpoint<f32>,
    /// A shorter gap between two voices is bridged.
    pub min_gap_s: FromCheckpoint<f32>,
}

impl DecisionConfig {
    /// Checks each value alone; [`horizon`](Self::horizon) checks them together with the checkpoint's.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for (key, value) in [
            ("threshold", self.threshold),
            ("enter", self.enter),
            ("reenter", self.reenter),
            ("leave", self.leave),
        ] {
            if let Some(value) = value.set()
                && !(value > 0.0 && value < 1.0)
            {
                return Err(ConfigError::value(
                    format!("decision.{key}"),
                    format!("{value} is not above 0 and below 1"),
                ));
            }
        }
        if self.horizon_frames.set().is_some() && self.lookahead_s.set().is_some() {
            return Err(ConfigError::Conflict(
                "a horizon and a look-ahead are both given: give one of them".into(),
            ));
        }
        if let Some(lookahead) = self.lookahead_s.set()
            && !(lookahead.is_finite() && lookahead > 0.0)
        {
            return Err(ConfigError::value(
                "decision.lookahead_s",
                format!("{lookahead} is not a number of seconds above 0"),
            ));
        }
        Ok(())
    }
}
