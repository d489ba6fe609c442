//! How probabilities become states: the checkpoint's operating point, and what is set over it.

use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, FromCheckpoint};
use crate::decision::{Horizon, OperatingPoint, RECENCY_S, Reentry};
use crate::frontend::window::lookahead_s;
use crate::model::Metadata;

/// Moved thresholds stay this far inside 0 and 1, or one side could never be reached.
const MARGIN: f32 = 0.001;
/// Look-aheads are told in hundredths of a second (0.58 where it is 0.5804): who asks for what was
/// told means that horizon.
const LOOKAHEAD_TOLD_WITHIN_S: f64 = 0.005;

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionConfig {
    /// The horizon to publish, in frames of 14.286 ms before the window's last.
    pub horizon_frames: FromCheckpoint<u32>,
    /// Or: the longest horizon whose look-ahead is not above this, in seconds.
    pub lookahead_s: FromCheckpoint<f64>,
    /// Moves `enter`, `enter_again` and `leave` together, by its distance from the checkpoint's threshold.
    pub threshold: FromCheckpoint<f32>,
    /// Voice begins at this probability and above.
    pub enter: FromCheckpoint<f32>,
    /// The same where a voice has been heard lately; as much as `enter` to make no difference.
    pub reenter: FromCheckpoint<f32>,
    /// How long a voice is remembered, in seconds.
    pub recency_s: FromCheckpoint<f32>,
    /// Voice ends below this probability.
    pub leave: FromCheckpoint<f32>,
    /// So many of the last `confirm_m` windows must agree before the state changes.
    pub confirm_n: FromCheckpoint<u32>,
    pub confirm_m: FromCheckpoint<u32>,
    /// A voice that has begun lasts at least this long, in seconds.
    pub min_voice_s: FromCheckpoint<f32>,
    /// A gap between voices shorter than this is bridged, in seconds.
    pub min_gap_s: FromCheckpoint<f32>,
}

impl DecisionConfig {
    /// Checks each value for itself; together they are checked over the checkpoint's.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
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

    /// The output of the model to publish and its operating point, with what is set here
    /// over the checkpoint's own.
    pub fn horizon(&self, model: &Metadata) -> Result<Horizon, ConfigError> {
        let (index, frames) = self.choose(model)?;
        let chosen = model.operating_points.get(index);
        let mut point = *chosen.ok_or_else(|| no_horizon(model, "the default horizon"))?;
        if let Some(threshold) = self.threshold.set() {
            let moved = |x: f32| (x + threshold - point.threshold).clamp(MARGIN, 1.0 - MARGIN);
            (point.enter, point.leave) = (moved(point.enter), moved(point.leave));
            point.reentry = point.reentry.map(|reentry| Reentry {
                reenter: moved(reentry.reenter),
                ..reentry
            });
            point.threshold = threshold;
        }
        point.enter = self.enter.or(point.enter);
        point.leave = self.leave.or(point.leave);
        point.reentry = self.reentry(&point, model)?;
        point.confirm_n = self.confirm_n.or(point.confirm_n);
        point.confirm_m = self.confirm_m.or(point.confirm_m);
        point.min_voice_s = self.min_voice_s.or(point.min_voice_s);
        point.min_gap_s = self.min_gap_s.or(point.min_gap_s);
        point
            .validate()
            .map_err(|error| ConfigError::value("decision", error.to_string()))?;
        Ok(Horizon {
            index,
            frames,
            point,
        })
    }

    /// Over a point whose other thresholds are set: what is not asked for stays between them.
    fn reentry(
        &self,
        point: &OperatingPoint,
        model: &Metadata,
    ) -> Result<Option<Reentry>, ConfigError> {
        let (reenter, recency_s) = (self.reenter.set(), self.recency_s.set());
        let kept = match point.reentry {
            Some(reentry) => reentry,
            None if reenter.is_some() => Reentry {
                reenter: point.enter,
                recency_s: RECENCY_S,
            },
            None if recency_s.is_some() => {
                return Err(ConfigError::Conflict(format!(
                    "recency_s is set, but the model {} has no re-entry threshold: set reenter too",
                    model.name
                )));
            }
            None => return Ok(None),
        };
        let between = kept.reenter.max(point.leave).min(point.enter);
        Ok(Some(Reentry {
            reenter: reenter.unwrap_or(between),
            recency_s: recency_s.unwrap_or(kept.recency_s),
        }))
    }

    fn choose(&self, model: &Metadata) -> Result<(usize, u32), ConfigError> {
        let horizons = || model.horizons_frames.iter().copied().enumerate();
        if let Some(limit_s) = self.lookahead_s.set() {
            return horizons()
                .filter(|&(_, frames)| lookahead_s(frames) <= limit_s + LOOKAHEAD_TOLD_WITHIN_S)
                .max_by_key(|&(_, frames)| frames)
                .ok_or_else(|| no_horizon(model, &format!("a look-ahead of {limit_s} s or less")));
        }
        let wanted = self.horizon_frames.or(model.default_horizon_frames);
        horizons()
            .find(|&(_, frames)| frames == wanted)
            .ok_or_else(|| no_horizon(model, &format!("a horizon of {wanted} frames")))
    }
}

fn no_horizon(model: &Metadata, wanted: &str) -> ConfigError {
    let offered: Vec<String> = model
        .horizons_frames
        .iter()
        .map(|&frames| format!("{frames} frames ({:.2} s)", lookahead_s(frames)))
        .collect();
    ConfigError::value(
        "decision",
        format!(
            "the model {} does not offer {wanted}, but {}",
            model.name,
            offered.join(", ")
        ),
    )
}
