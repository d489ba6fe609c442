//! Probabilities to states and events, causal.

mod consensus;
mod decider;
mod memory;
mod tracker;

pub use consensus::Consensus;
pub use decider::Decider;
pub use tracker::{Decision, Event, PointError, Tracker};

use crate::model::OperatingPoint;

/// The output of a network that is decided on, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// Its place among the model's horizons.
    pub index: usize,
    /// Its distance from the window's last frame.
    pub frames: u32,
    pub point: OperatingPoint,
}
