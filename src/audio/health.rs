//! How a source is doing: counters that its callback bumps and anyone reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The counters of one source, from its start to its end, over all its streams.
#[derive(Debug)]
pub struct Health {
    start: Instant,
    callbacks: AtomicU64,
    frames_captured: AtomicU64,
    frames_lost: AtomicU64,
    xruns: AtomicU64,
    reconnects: AtomicU64,
    /// Nanoseconds from `start` to the last callback, plus one; 0 while there was none.
    last_callback: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSnapshot {
    /// Blocks that the source delivered, lost ones included.
    pub callbacks: u64,
    /// Frames that went into the ring.
    pub frames_captured: u64,
    /// Frames that did not, because the ring was full.
    pub frames_lost: u64,
    /// Over- and underruns that the device reported.
    pub xruns: u64,
    /// Times that a device came back.
    pub reconnects: u64,
    pub since_last_callback: Option<Duration>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            callbacks: AtomicU64::new(0),
            frames_captured: AtomicU64::new(0),
            frames_lost: AtomicU64::new(0),
            xruns: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            last_callback: AtomicU64::new(0),
        }
    }
}

impl Health {
    /// Notes a block of `frames` that went into the ring or (`written` false) was lost.
    /// Bumps atomics only: made for the capture callback.
    pub fn on_block(&self, frames: u64, written: bool) {
        let nanoseconds = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX - 1);
        self.last_callback.store(nanoseconds + 1, Ordering::Relaxed);
        self.callbacks.fetch_add(1, Ordering::Relaxed);
        let counter = if written {
            &self.frames_captured
        } else {
            &self.frames_lost
        };
        counter.fetch_add(frames, Ordering::Relaxed);
    }

    pub fn on_xrun(&self) {
        self.xruns.fetch_add(1, Ordering::Relaxed);
    }

    pub fn on_reconnect(&self) {
        self.reconnects.fetch_add(1, Ordering::Relaxed);
    }

    pub fn snapshot(&self) -> HealthSnapshot {
        let last = self.last_callback.load(Ordering::Relaxed);
        HealthSnapshot {
            callbacks: self.callbacks.load(Ordering::Relaxed),
            frames_captured: self.frames_captured.load(Ordering::Relaxed),
            frames_lost: self.frames_lost.load(Ordering::Relaxed),
            xruns: self.xruns.load(Ordering::Relaxed),
            reconnects: self.reconnects.load(Ordering::Relaxed),
            since_last_callback: last.checked_sub(1).map(|nanoseconds| {
                self.start
                    .elapsed()
                    .saturating_sub(Duration::from_nanos(nanoseconds))
            }),
        }
    }
}
