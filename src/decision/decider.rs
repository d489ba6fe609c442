//! The decisions of one stream at one horizon.

use crate::decision::gate::{Gate, NO_GATE_DB};
use crate::decision::{Decision, Event, OperatingPoint, OverlapAverage, PointError, Tracker};
use crate::frontend::{SAMPLE_RATE_HZ, Window};

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
#[derive(Debug, Clone, PartialEq)]
pub struct Decider {
    horizon: Horizon,
    overlap: OverlapAverage,
    tracker: Tracker,
    gate: Gate,
    /// Stream time of the newest frame that was decided on, in seconds.
    decided_s: f64,
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
            gate: Gate::new(NO_GATE_DB),
            decided_s: f64::NEG_INFINITY,
        })
    }

    /// With a gate: sound below `threshold_db`, in dB of full scale, is no voice.
    #[must_use]
    pub fn with_gate(self, threshold_db: f32) -> Self {
        Self {
            gate: Gate::new(threshold_db),
            ..self
        }
    }

    /// Goes on where `earlier`, of the same stream, is: an open voice stays open. `same_network`: its predictions are
    /// averaged too.
    pub fn take_over(&mut self, mut earlier: Self, same_network: bool) {
        self.tracker.take_over(earlier.tracker);
        self.gate.take_levels(&mut earlier.gate);
        self.decided_s = earlier.decided_s;
        if same_network {
            self.overlap = earlier.overlap;
        }
    }

    /// The horizon that is decided on.
    pub fn horizon(&self) -> &Horizon {
        &self.horizon
    }

    /// The probability of voice in the horizon's frame of `window`, whose outputs are `probabilities`, one for each
    /// horizon of the model; 0 where the gate is closed. `None` if there is none for this horizon.
    pub fn probability(&mut self, window: &Window, probabilities: &[f32]) -> Option<f32> {
        self.gate.add(window);
        let averaged = self.overlap.push(window.start_sample, probabilities);
        let p = averaged.get(self.horizon.index)?;
        let sample = window.time_s(self.horizon.frames) * f64::from(SAMPLE_RATE_HZ);
        match self.gate.is_closed_at(sample as u64) {
            true => Some(0.0),
            false => Some(*p),
        }
    }

    /// Decides on the frame at stream time `t_s`, in seconds, from its probability of voice. A frame that was decided
    /// on already, at a shorter look-ahead, changes nothing.
    pub fn frame(&mut self, t_s: f64, p: f32) -> Decision {
        if t_s <= self.decided_s {
            return Decision {
                voice: self.tracker.is_voice(),
                p,
                event: None,
            };
        }
        self.decided_s = t_s;
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
