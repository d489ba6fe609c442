//! The one way to end a source: a flag that can be waited on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Says to every holder of a clone that it is time to end.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl StopFlag {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and wakes all that wait. It is never taken back.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        // Taking the lock orders the store before any wait that is about to begin.
        drop(self.0.lock.lock());
        self.0.changed.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }

    /// Sleeps for `duration` or until the flag is set; `true` when it is set.
    pub fn wait(&self, duration: Duration) -> bool {
        // A poisoned lock guards nothing: the flag is an atomic.
        let guard = self.0.lock.lock().unwrap_or_else(|e| e.into_inner());
        let waited = self
            .0
            .changed
            .wait_timeout_while(guard, duration, |()| !self.is_stopped());
        drop(waited);
        self.is_stopped()
    }
}
