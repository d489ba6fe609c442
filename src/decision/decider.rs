//! From a network's answers on one stream to states and events.

use crate::decision::{Decision, Event, Horizon, OverlapAverage, PointError, Tracker};

/// Follows one stream at one horizon.
#[derive(Debug, Clone)]
pub struct Decider {
    horizon: Horizon,
    overlap: OverlapAverage,
    tracker: Tracker,
}

impl Decider {
    /// One that has heard nothing yet, for the answers of `model`.
    pub fn new(overlap: OverlapAverage, horizon: Horizon) -> Result<Self, PointError> {
        Ok(Self {
            horizon,
            overlap,
            tracker: Tracker::new(horizon.point)?,
        })
    }

    pub fn horizon(&self) -> &Horizon {
        &self.horizon
    }

    /// Decides on the frame at `t_s` by the answers on a window, one a horizon of the model. None where
    /// the model did not answer for this horizon.
    pub fn window(
        &mut self,
        start_sample: u64,
        t_s: f64,
        probabilities: &[f32],
    ) -> Option<Decision> {
        let agreed = self.overlap.push(start_sample, probabilities);
        let p = agreed.get(self.horizon.index)?;
        Some(self.answer(t_s, *p))
    }

    /// Decides by the probability of voice at `t_s`.
    pub fn answer(&mut self, t_s: f64, p: f32) -> Decision {
        self.tracker.push(t_s, p)
    }

    /// What lies on the other side of a gap is unknown: an open voice is closed.
    pub fn gap(&mut self) -> Option<Event> {
        self.tracker.gap()
    }
}
