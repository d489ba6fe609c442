//! Chooses the look-ahead to publish and its operating point: the checkpoint's, with `[decision]` over it.

use crate::config::{ConfigError, DecisionConfig};
use crate::decision::{Horizon, ModelHorizons, OperatingPoint, RECENCY_S, Reentry, SpeechHorizon};
use crate::frontend::window::lookahead_s;

/// Moved thresholds stay this far inside 0 and 1; at 0 or 1 one state could never be reached.
const MARGIN: f32 = 0.001;
/// Look-aheads are printed in hundredths of a second (0.58 for 0.5804), so a limit of 0.58 s includes that horizon.
const LOOKAHEAD_TOLERANCE_S: f64 = 0.005;

impl DecisionConfig {
    /// The model's output to publish and its operating point: the checkpoint's, with these settings over it.
    ///
    /// # Errors
    ///
    /// If the model does not offer the horizon, or the resulting operating point is not valid.
    pub fn horizon(&self, model: &ModelHorizons) -> Result<Horizon, ConfigError> {
        let (index, frames) = self.choose(model)?;
        let point = model.points.get(index);
        let mut point = *point.ok_or_else(|| not_offered(model, "the default horizon"))?;
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
            speech: model.speech.and_then(|speech| {
                Some(SpeechHorizon {
                    point: *speech.operating_points.get(index)?,
                    suppression: speech.suppression,
                })
            }),
        })
    }

    /// The re-entry threshold for `point`, whose other thresholds are set. One that is not set here is kept between
    /// them.
    fn reentry(
        &self,
        point: &OperatingPoint,
        model: &ModelHorizons,
    ) -> Result<Option<Reentry>, ConfigError> {
        let (reenter, recency_s) = (self.reenter.set(), self.recency_s.set());
        let own = match point.reentry {
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
        let between = own.reenter.max(point.leave).min(point.enter);
        Ok(Some(Reentry {
            reenter: reenter.unwrap_or(between),
            recency_s: recency_s.unwrap_or(own.recency_s),
        }))
    }

    /// Index and frames of the horizon to publish.
    fn choose(&self, model: &ModelHorizons) -> Result<(usize, u32), ConfigError> {
        let horizons = || model.frames.iter().copied().enumerate();
        if let Some(limit_s) = self.lookahead_s.set() {
            return horizons()
                .filter(|&(_, frames)| lookahead_s(frames) <= limit_s + LOOKAHEAD_TOLERANCE_S)
                .max_by_key(|&(_, frames)| frames)
                .ok_or_else(|| {
                    not_offered(model, &format!("a look-ahead of {limit_s} s or less"))
                });
        }
        let chosen = self.horizon_frames.or(model.default_frames);
        horizons()
            .find(|&(_, frames)| frames == chosen)
            .ok_or_else(|| not_offered(model, &format!("a horizon of {chosen} frames")))
    }
}

fn not_offered(model: &ModelHorizons, missing: &str) -> ConfigError {
    let offered: Vec<String> = model
        .frames
        .iter()
        .map(|&frames| format!("{frames} frames ({:.2} s)", lookahead_s(frames)))
        .collect();
    ConfigError::value(
        "decision",
        format!(
            "the model {} does not offer {missing}, but {}",
            model.name,
            offered.join(", ")
        ),
    )
}
