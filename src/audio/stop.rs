//! The flag that ends a source, with a wait that it interrupts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A flag that is shared by all its clones, is set once and stays set.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl StopFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and wakes all threads in [`StopFlag::wait`].
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        // With the lock, the store happens before any wait that is about to begin.
        drop(self.0.lock.lock());
        self.0.changed.notify_all();
    }

    /// Whether the flag is set.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }

    /// Sleeps for `duration` or until the flag is set; `true` when it is set.
    pub fn wait(&self, duration: Duration) -> bool {
        // Poisoning is harmless: the lock guards no data.
        let guard = self.0.lock.lock().unwrap_or_else(|e| e.into_inner());
        let waited = self
            .0
            .changed
            .wait_timeout_while(guard, duration, |()| !self.is_stopped());
        drop(waited);
        self.is_stopped()
    }
}
