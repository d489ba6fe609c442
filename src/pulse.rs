//! Pulses of threads: whether each of them advances, for the service manager's watchdog.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pulse of one thread: odd while it works on something, even while it waits for more.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

/// A thread is at work until this is dropped.
#[must_use]
pub struct AtWork<'a>(&'a AtomicU64);

impl Pulse {
    /// The thread begins a piece of work that has to come to an end.
    pub fn at_work(&self) -> AtWork<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        AtWork(&self.0)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The pulses of all threads, in any thread's hand.
#[derive(Debug, Clone, Default)]
pub struct Pulses(Arc<Mutex<Vec<Watched>>>);

#[derive(Debug)]
struct Watched {
    name: String,
    pulse: Pulse,
    count: u64,
    since: Instant,
}

impl Pulses {
    /// The pulse of a new thread. It is forgotten when the thread has dropped it.
    pub fn add(&self, name: impl Into<String>) -> Pulse {
        let pulse = Pulse::default();
        let watched = Watched {
            name: name.into(),
            pulse: pulse.clone(),
            count: 0,
            since: Instant::now(),
        };
        self.lock().push(watched);
        pulse
    }

    /// The threads that have been at the same piece of work for `limit`, or for all the time between two calls that
    /// are further apart.
    pub fn hanging(&self, limit: Duration) -> Vec<String> {
        let mut watched = self.lock();
        watched.retain(|thread| Arc::strong_count(&thread.pulse.0) > 1);
        let mut hanging = Vec::new();
        for thread in watched.iter_mut() {
            let count = thread.pulse.0.load(Ordering::Relaxed);
            if count != thread.count || count.is_multiple_of(2) {
                thread.count = count;
                thread.since = Instant::now();
            } else if thread.since.elapsed() >= limit {
                hanging.push(thread.name.clone());
            }
        }
        hanging
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_thread_that_stays_at_one_piece_of_work_hangs() {
        let pulses = Pulses::default();
        let (stuck, busy, idle) = (pulses.add("stuck"), pulses.add("busy"), pulses.add("idle"));
        let _forever = stuck.at_work();
        drop(idle.at_work());
        assert!(pulses.hanging(Duration::ZERO).is_empty());
        drop(busy.at_work());
        let _again = busy.at_work();
        assert_eq!(pulses.hanging(Duration::ZERO), ["stuck"]);
        assert_eq!(pulses.hanging(Duration::ZERO), ["stuck", "busy"]);
        drop(idle);
        assert!(pulses.hanging(Duration::from_secs(600)).is_empty());
        assert_eq!(pulses.lock().len(), 2);
    }
}
