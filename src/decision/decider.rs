//! The decisions of one stream at one horizon.

use crate::decision::{Decision, Event, OperatingPoint, OverlapAverage, PointError, Tracker};

/// The output of a network that is decided on, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// Its place among the model's horizons.
    pub index: usize,
    /// Distance of the predicted frame from the window's last frame, in frames.
    pub frames: u32,
    /// How probabilities become decisions.
    pub point: OperatingPoint,
}

/// Turns the outputs of a network on one stream into decisions.
#[derive(Debug, Clone)]
pub struct Decider {
    horizon: Horizon,
    overlap: OverlapAverage,
    tracker: Tracker,
}

impl Decider {
    /// A decider for a new stream. `overlap` belongs to the same model as `horizon`.
    ///
    /// # Errors
    ///
    /// The operating point of `horizon` is invalid.
    pub fn new(overlap: OverlapAverage, horizon: Horizon) -> Result<Self, PointError> {
        Ok(Self {
            horizon,
            overlap,
            tracker: Tracker::new(horizon.point)?,
        })
    }

    /// The horizon that is decided on.
    pub fn horizon(&self) -> &Horizon {
        &self.horizon
    }

    /// Decides on the frame at stream time `t_s`, in seconds, from the outputs on the window that begins at
    /// `start_sample` (22 050 Hz): one probability for each horizon of the model. `None` if there is none for this
    /// horizon.
    pub fn window(
        &mut self,
        start_sample: u64,
        t_s: f64,
        probabilities: &[f32],
    ) -> Option<Decision> {
        let averaged = self.overlap.push(start_sample, probabilities);
        let p = averaged.get(self.horizon.index)?;
        Some(self.frame(t_s, *p))
    }

    /// Decides on the frame at stream time `t_s`, in seconds, of the window that begins at `start_sample` and was left
    /// out, from what earlier windows predict for it. `None` before the first window.
    pub fn window_left_out(&mut self, start_sample: u64, t_s: f64) -> Option<Decision> {
        let p = self.overlap.fill(start_sample, self.horizon.index)?;
        Some(self.frame(t_s, p))
    }

    /// Decides on the frame at stream time `t_s`, in seconds, from its probability of voice.
    pub fn frame(&mut self, t_s: f64, p: f32) -> Decision {
        self.tracker.push(t_s, p)
    }

    /// Closes an open voice, because the sound beyond a gap is unknown.
    pub fn gap(&mut self) -> Option<Event> {
        self.tracker.gap()
    }

    /// Closes an open voice at the end of the sound, stream time `sound_end_s`.
    pub fn end_at(&mut self, sound_end_s: f64) -> Option<Event> {
        self.tracker.end_at(sound_end_s)
    }
}
