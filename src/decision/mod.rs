//! Probabilities to states and events, causal.

mod decider;
mod model_horizons;
pub mod operating_point;
mod overlap_average;
mod recency;
mod tracker;

pub use decider::Decider;
pub use model_horizons::ModelHorizons;
pub use overlap_average::OverlapAverage;
pub use tracker::{Decision, Event, PointError, Tracker};

pub use operating_point::{OperatingPoint, Reentry};

/// The output of a network that is decided on, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// Its place among the model's horizons.
    pub index: usize,
    /// Its distance from the window's last frame.
    pub frames: u32,
    pub point: OperatingPoint,
}
