//! Decisions: probabilities in, states and events out. Pure and causal.
//!
//! [`OverlapAverage`] combines the predictions of successive windows, [`Tracker`] turns probabilities into states
//! with hysteresis, [`Decider`] is both for one stream.

mod decider;
mod gate;
mod model_horizons;
mod operating_point;
pub(crate) mod overlap_average;
mod recency;
mod reentry;
mod tracker;

pub use decider::{Decider, Horizon};
pub use gate::NO_GATE_DB;
pub use model_horizons::ModelHorizons;
pub use operating_point::{OperatingPoint, PointError};
pub use overlap_average::OverlapAverage;
pub use reentry::{RECENCY_S, Reentry};
pub use tracker::{Decision, Event, Tracker};
