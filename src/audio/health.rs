//! Counters of a source: incremented by its callback, read by anyone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The counters of one source from its start to its end, over all its streams.
#[derive(Debug)]
pub struct Health {
    start: Instant,
    callbacks: AtomicU64,
    frames_captured: AtomicU64,
    frames_lost: AtomicU64,
    xruns: AtomicU64,
    reconnects: AtomicU64,
    /// Nanoseconds from `start` to the last callback, plus one; 0 before the first.
    last_callback: AtomicU64,
}

/// The counters of a source at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSnapshot {
    /// Blocks that the source delivered, including lost ones.
    pub callbacks: u64,
    /// Frames that were written to the ring.
    pub frames_captured: u64,
    /// Frames that were lost because the ring was full.
    pub frames_lost: u64,
    /// Over- and underruns that the device reported.
    pub xruns: u64,
    /// Times that a lost device was opened again.
    pub reconnects: u64,
    /// Time since the last block; `None` before the first.
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
    /// Counts a block of `frames` that was written to the ring or, if not `written`, lost.
    /// Uses atomics only, for the capture callback.
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

    /// Counts an over- or underrun that the device reported.
    pub fn on_xrun(&self) {
        self.xruns.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a lost device that was opened again.
    pub fn on_reconnect(&self) {
        self.reconnects.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters now.
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
