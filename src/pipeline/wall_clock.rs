//! Unix time of captured sound: the capture clock plus an offset that follows the system clock but never runs back.

use crate::audio::{CaptureInstant, UnixClock};

/// The offset is renewed when the system clock has moved on by more than this against it.
const TOLERANCE_S: f64 = 0.05;
/// A system clock that is this far behind was set back; this is logged.
const SET_BACK_S: f64 = 0.5;

/// The wall clock of one source.
#[derive(Default)]
pub(super) struct WallClock {
    system: UnixClock,
    /// Unix time minus capture time, in seconds; `None` before the first reading.
    offset_s: Option<f64>,
    set_back: bool,
}

impl WallClock {
    /// Reads this clock from now on.
    pub fn set_system_clock(&mut self, system: UnixClock) {
        self.system = system;
    }

    /// The Unix time at which the sound of `captured_s` of the capture clock was captured, in seconds. Reads the
    /// system clock.
    pub fn unix_s(&mut self, captured_s: f64) -> f64 {
        self.observe(CaptureInstant::now().seconds(), self.system.now_s());
        captured_s + self.offset_s.unwrap_or(0.0)
    }

    /// Compares both clocks. A step forward is followed at once. A step back is not: `wall` would run back, so the
    /// offset stays until the system clock has caught up.
    fn observe(&mut self, capture_s: f64, unix_s: f64) {
        let observed_s = unix_s - capture_s;
        let ahead_s = match self.offset_s {
            Some(offset_s) if observed_s <= offset_s + TOLERANCE_S => offset_s - observed_s,
            _ => {
                self.offset_s = Some(observed_s);
                0.0
            }
        };
        let set_back = ahead_s > SET_BACK_S;
        if set_back && !self.set_back {
            tracing::warn!(
                "the system clock was set back by {ahead_s:.1} s; `wall` stays ahead of it until it has caught up"
            );
        }
        self.set_back = set_back;
    }
}

#[cfg(test)]
mod tests {
    use super::WallClock;

    #[test]
    fn a_step_forward_is_followed_and_a_step_back_is_not() {
        let mut clock = WallClock::default();
        clock.observe(10.0, 1000.0);
        assert_eq!(clock.offset_s, Some(990.0));
        clock.observe(20.0, 1010.04);
        assert_eq!(clock.offset_s, Some(990.0));
        clock.observe(30.0, 5020.0);
        assert_eq!(clock.offset_s, Some(4990.0));
        clock.observe(40.0, 30.0);
        assert_eq!(clock.offset_s, Some(4990.0));
        assert!(clock.set_back);
        clock.observe(50.0, 5041.0);
        assert_eq!(clock.offset_s, Some(4991.0));
        assert!(!clock.set_back);
    }
}
