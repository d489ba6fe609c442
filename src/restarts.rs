//! Restarts of what died: with growing waits, and not for ever.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// More restarts than this within [`RESTARTS_WITHIN`] are a failure for good.
pub const RESTARTS_MAX: usize = 5;
const RESTARTS_WITHIN: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// Counts the restarts of one part of the program.
#[derive(Debug, Default)]
pub struct Restarts {
    recent: VecDeque<Instant>,
}

impl Restarts {
    /// The wait before one more restart; `None` when there were too many.
    pub fn next_wait(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let over = |at: &Instant| now.duration_since(*at) > RESTARTS_WITHIN;
        while self.recent.front().is_some_and(over) {
            self.recent.pop_front();
        }
        let number = self.recent.len();
        if number == RESTARTS_MAX {
            return None;
        }
        self.recent.push_back(now);
        Some(FIRST_WAIT * (1 << number))
    }
}
