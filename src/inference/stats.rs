//! How well the worker keeps up, for whoever watches it.

use std::time::Duration;

/// Seconds that a forward pass may take; the last counts all that took longer. The hop between a
/// stream's windows is 0.071 s.
pub const PASS_BOUNDS_S: [f64; 8] = [
    0.002,
    0.004,
    0.008,
    0.016,
    0.035,
    0.071,
    0.28,
    f64::INFINITY,
];

/// Forward passes by how long they took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PassTimes {
    /// One for each of [`PASS_BOUNDS_S`], each pass in the first bound it kept to.
    pub counts: [u64; PASS_BOUNDS_S.len()],
    pub sum_s: f64,
    /// Windows in all passes together.
    pub windows: u64,
}

impl PassTimes {
    pub fn note(&mut self, took: Duration, windows: usize) {
        let took_s = took.as_secs_f64();
        let place = PASS_BOUNDS_S.partition_point(|&bound| bound < took_s);
        self.counts[place.min(PASS_BOUNDS_S.len() - 1)] += 1;
        self.sum_s += took_s;
        self.windows += windows as u64;
    }
}

/// The worker at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Windows of all streams that wait for a pass.
    pub waiting_windows: usize,
    pub passes: PassTimes,
}
