//! The flag that ends a source, with a wait that it interrupts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A wait of a flag with a parent looks at the parent this often.
const PARENT_POLL: Duration = Duration::from_millis(20);

/// A flag that is shared by all its clones, is set once and stays set.
#[derive(Debug, Clone, Default)]
pub struct StopFlag {
    own: Arc<Shared>,
    parent: Option<Arc<Shared>>,
}

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

    /// A flag that is set with this one too, for a part that can be stopped alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            own: Arc::default(),
            parent: Some(Arc::clone(&self.own)),
        }
    }

    /// Sets the flag and wakes all threads in [`StopFlag::wait`].
    pub fn stop(&self) {
        self.own.stopped.store(true, Ordering::Release);
        // With the lock, the store happens before any wait that is about to begin.
        drop(self.own.lock.lock());
        self.own.changed.notify_all();
    }

    /// Whether the flag is set.
    pub fn is_stopped(&self) -> bool {
        let parent = self.parent.as_ref();
        self.own.stopped.load(Ordering::Acquire)
            || parent.is_some_and(|parent| parent.stopped.load(Ordering::Acquire))
    }

    /// Sleeps for `duration` or until the flag is set; `true` when it is set.
    pub fn wait(&self, duration: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = duration.saturating_sub(start.elapsed());
            let part = match self.parent {
                Some(_) => left.min(PARENT_POLL),
                None => left,
            };
            // Poisoning is harmless: the lock guards no data.
            let guard = self.own.lock.lock().unwrap_or_else(|e| e.into_inner());
            let waited = self
                .own
                .changed
                .wait_timeout_while(guard, part, |()| !self.is_stopped());
            drop(waited);
            if self.is_stopped() || part == left {
                return self.is_stopped();
            }
        }
    }
}
