//! Decisions: probabilities in, states and events out. Pure and causal.
//!
//! [`OverlapAverage`] combines the predictions of successive windows, [`Tracker`] turns probabilities into states
//! with hysteresis, [`Suppression`] keeps speakers from being taken for singers, [`Decider`] is all of it for one stream.

mod decider;
mod either;
mod gate;
mod model_horizons;
mod operating_point;
pub(crate) mod overlap_average;
mod recency;
mod reentry;
mod speech;
mod suppression;
mod tracker;

pub use decider::{Closed, Decider, Horizon, NoSpeechOutput, Probabilities, SpeechHorizon};
pub use gate::NO_GATE_DB;
pub use model_horizons::ModelHorizons;
pub use operating_point::{OperatingPoint, PointError};
pub use overlap_average::OverlapAverage;
pub use reentry::{RECENCY_S, Reentry};
pub use speech::SpeechOutput;
pub use suppression::Suppression;
pub use tracker::{Decision, Event, SpeechDecision, Tracker};
