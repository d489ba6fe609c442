//! The capture clock: monotonic, unaffected by clock steps, counting time in suspend, readable in the capture callback.

use std::time::Duration;

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

    /// The moment `age` before this one.
    #[must_use]
    pub fn before(self, age: Duration) -> Self {
        Self(self.0.saturating_sub(age))
    }

    /// Seconds since the clock's start.
    pub fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }
}
