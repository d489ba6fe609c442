//! The clocks of sound. The capture clock: monotonic, unaffected by clock steps, counting time in suspend, readable in the capture callback.
//! Unix time, which a simulated source can step.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment on the capture clock. Linux: `CLOCK_BOOTTIME`, read without a system call; elsewhere the system's
/// monotonic clock, which may stand still in suspend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaptureInstant(Duration);

impl CaptureInstant {
    /// The present moment.
    pub fn now() -> Self {
        #[cfg(target_os = "linux")]
        let clock = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let clock = rustix::time::ClockId::Monotonic;
        let time = rustix::time::clock_gettime(clock);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        Self(Duration::new(
            seconds,
            u32::try_from(time.tv_nsec).unwrap_or(0),
        ))
    }

    /// The moment `since_start` after the clock's start.
    pub fn from_start(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// The moment `time` after this one.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }

    /// The moment `age` before this one.
    #[must_use]
    pub fn before(self, age: Duration) -> Self {
        Self(self.0.saturating_sub(age))
    }

    /// Time since this moment.
    pub fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }

    /// The moment so many nanoseconds after the clock's start, for another process.
    pub(super) fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(Duration::from_nanos(nanoseconds))
    }

    /// Nanoseconds since the clock's start.
    pub(super) fn nanoseconds(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Seconds since the clock's start.
    pub fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }
}

/// The system's Unix time; all clones are stepped together.
#[derive(Debug, Clone, Default)]
pub struct UnixClock {
    /// Steps of a simulation, in microseconds.
    steps_us: Arc<AtomicI64>,
}

impl UnixClock {
    /// Steps the clock, for this clock's readers only.
    pub fn step(&self, seconds: f64) {
        let step_us = (seconds * 1e6) as i64;
        self.steps_us.fetch_add(step_us, Ordering::Relaxed);
    }

    /// Seconds since 1970.
    pub fn now_s(&self) -> f64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0.0, |since| since.as_secs_f64())
            + self.steps_us.load(Ordering::Relaxed) as f64 / 1e6
    }
}
