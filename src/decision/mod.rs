//! Probabilities to states and events, causal.

mod tracker;

pub use tracker::{Decision, Event, PointError, Tracker, check};
