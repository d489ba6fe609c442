//! Statistics of the inference thread: pass times and waiting windows.
//!
//! Dropped windows are counted where they are dropped, in the queue, and published as `gap`.

use std::time::Duration;

/// Upper bounds of the histogram of forward-pass times, in seconds. The hop between a stream's windows is 0.071 s.
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

/// Histogram of forward-pass times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PassTimes {
    /// One count for each of [`PASS_BOUNDS_S`]; a pass counts for the smallest bound it does not exceed.
    pub counts: [u64; PASS_BOUNDS_S.len()],
    /// Total time, in seconds.
    pub sum_s: f64,
    /// Windows in all passes.
    pub windows: u64,
}

impl PassTimes {
    /// Counts one pass over `windows` windows.
    pub fn note(&mut self, took: Duration, windows: usize) {
        let took_s = took.as_secs_f64();
        let place = PASS_BOUNDS_S.partition_point(|&bound| bound < took_s);
        self.counts[place.min(PASS_BOUNDS_S.len() - 1)] += 1;
        self.sum_s += took_s;
        self.windows += windows as u64;
    }
}

/// A snapshot of the inference thread.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Windows of all streams that wait for a pass.
    pub waiting_windows: usize,
    /// Passes since the start.
    pub passes: PassTimes,
}

impl Stats {
    /// Of both together.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.waiting_windows += other.waiting_windows;
        self.passes.sum_s += other.passes.sum_s;
        self.passes.windows += other.passes.windows;
        for (count, more) in self.passes.counts.iter_mut().zip(other.passes.counts) {
            *count += more;
        }
        self
    }
}
