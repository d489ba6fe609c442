//! Fewer values, for receivers that do not want all fourteen a second.

use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES};

const HOP_S: f64 = WINDOW_HOP_SAMPLES as f64 / SAMPLE_RATE_HZ as f64;
/// Times count as equal within this: messages round them to microseconds.
const SLACK_S: f64 = 2e-6;

/// Lets one value through a period of stream time: the largest since the one before.
#[derive(Debug, Clone)]
pub struct RateLimit {
    period_s: f64,
    /// When the next may pass.
    due_s: f64,
    newest_s: f64,
    peak: f32,
}

impl RateLimit {
    /// `None` at a rate of 0: nothing is let through.
    pub fn new(rate_hz: f64) -> Option<Self> {
        (rate_hz > 0.0).then(|| Self {
            period_s: rate_hz.recip(),
            due_s: f64::NEG_INFINITY,
            newest_s: f64::NEG_INFINITY,
            peak: f32::NEG_INFINITY,
        })
    }

    /// `value` at stream time `t_s`; what may be told now.
    pub fn push(&mut self, t_s: f64, value: f32) -> Option<f32> {
        if t_s < self.newest_s {
            self.due_s = t_s; // the stream began anew
        }
        self.newest_s = t_s;
        self.peak = self.peak.max(value);
        if t_s + SLACK_S < self.due_s {
            return None;
        }
        // Decisions come on a grid: one may be a hop late and the next in time again, so that the mean rate is
        // kept. After a hole it goes on from here and does not catch up.
        let on_time = t_s - self.due_s < HOP_S;
        self.due_s = if on_time { self.due_s } else { t_s } + self.period_s;
        Some(std::mem::replace(&mut self.peak, f32::NEG_INFINITY))
    }
}

#[cfg(test)]
mod tests {
    use super::RateLimit;

    #[test]
    fn a_lower_rate_tells_the_highest_since_the_last() {
        let told = |rate_hz: f64| {
            let mut rate = RateLimit::new(rate_hz).unwrap();
            let ps = [0.1, 0.9, 0.2, 0.3, 0.4, 0.3, 0.2];
            let push = |(k, &p): (usize, &f32)| rate.push(k as f64 / 14.0, p);
            ps.iter().enumerate().filter_map(push).collect::<Vec<_>>()
        };
        assert_eq!(told(14.0), [0.1, 0.9, 0.2, 0.3, 0.4, 0.3, 0.2]);
        assert_eq!(told(100.0).len(), 7);
        assert_eq!(told(7.0), [0.1, 0.9, 0.4, 0.3]);
        assert_eq!(told(1.0), [0.1]);
        assert!(RateLimit::new(0.0).is_none());
    }

    #[test]
    fn after_a_hole_it_does_not_catch_up() {
        let mut rate = RateLimit::new(7.0).unwrap();
        assert_eq!(rate.push(0.0, 0.5), Some(0.5));
        assert_eq!(rate.push(10.0, 0.6), Some(0.6));
        assert_eq!(rate.push(10.0 + 1.0 / 14.0, 0.7), None);
        assert_eq!(rate.push(10.0 + 2.0 / 14.0, 0.1), Some(0.7));
    }

    #[test]
    fn a_stream_that_begins_anew_is_told_at_once() {
        let mut rate = RateLimit::new(1.0).unwrap();
        assert_eq!(rate.push(100.0, 0.5), Some(0.5));
        assert_eq!(rate.push(100.5, 0.9), None);
        assert_eq!(rate.push(0.0, 0.1), Some(0.9));
        assert_eq!(rate.push(0.5, 0.2), None);
    }
}
