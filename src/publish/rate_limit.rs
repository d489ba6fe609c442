//! A rate limit that passes on the peaks, for receivers that need fewer than 14 values per second.

use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES};

const HOP_S: f64 = WINDOW_HOP_SAMPLES as f64 / SAMPLE_RATE_HZ as f64;
/// Times this close are equal: messages round them to microseconds.
const SLACK_S: f64 = 2e-6;

/// Passes one value per period of stream time: the largest since the one before.
#[derive(Debug, Clone)]
pub struct RateLimit {
    period_s: f64,
    /// Stream time at which the next value may pass.
    due_s: f64,
    newest_s: f64,
    peak: f32,
}

impl RateLimit {
    /// `None` for a rate of 0: nothing passes.
    pub fn new(rate_hz: f64) -> Option<Self> {
        (rate_hz > 0.0).then(|| Self {
            period_s: rate_hz.recip(),
            due_s: f64::NEG_INFINITY,
            newest_s: f64::NEG_INFINITY,
            peak: f32::NEG_INFINITY,
        })
    }

    /// Takes `value` at stream time `t_s`. Returns the largest since the last one that passed, if one may pass now.
    pub fn push(&mut self, t_s: f64, value: f32) -> Option<f32> {
        if t_s < self.newest_s {
            self.due_s = t_s; // The stream has restarted.
        }
        self.newest_s = t_s;
        self.peak = self.peak.max(value);
        if t_s + SLACK_S < self.due_s {
            return None;
        }
        // Decisions lie on a grid: one may pass a hop late and the next one in time, so the mean rate is kept. After a
        // gap longer than a hop the next period starts here.
        let on_time = t_s - self.due_s < HOP_S;
        self.due_s = if on_time { self.due_s } else { t_s } + self.period_s;
        Some(std::mem::replace(&mut self.peak, f32::NEG_INFINITY))
    }
}

#[cfg(test)]
mod tests {
    use super::RateLimit;

    #[test]
    fn a_lower_rate_passes_the_peaks() {
        let passed = |rate_hz: f64| {
            let mut rate = RateLimit::new(rate_hz).unwrap();
            let ps = [0.1, 0.9, 0.2, 0.3, 0.4, 0.3, 0.2];
            let push = |(k, &p): (usize, &f32)| rate.push(k as f64 / 14.0, p);
            ps.iter().enumerate().filter_map(push).collect::<Vec<_>>()
        };
        assert_eq!(passed(14.0), [0.1, 0.9, 0.2, 0.3, 0.4, 0.3, 0.2]);
        assert_eq!(passed(100.0).len(), 7);
        assert_eq!(passed(7.0), [0.1, 0.9, 0.4, 0.3]);
        assert_eq!(passed(1.0), [0.1]);
        assert!(RateLimit::new(0.0).is_none());
    }

    #[test]
    fn after_a_gap_it_does_not_catch_up() {
        let mut rate = RateLimit::new(7.0).unwrap();
        assert_eq!(rate.push(0.0, 0.5), Some(0.5));
        assert_eq!(rate.push(10.0, 0.6), Some(0.6));
        assert_eq!(rate.push(10.0 + 1.0 / 14.0, 0.7), None);
        assert_eq!(rate.push(10.0 + 2.0 / 14.0, 0.1), Some(0.7));
    }

    #[test]
    fn a_stream_that_restarts_passes_at_once() {
        let mut rate = RateLimit::new(1.0).unwrap();
        assert_eq!(rate.push(100.0, 0.5), Some(0.5));
        assert_eq!(rate.push(100.5, 0.9), None);
        assert_eq!(rate.push(0.0, 0.1), Some(0.9));
        assert_eq!(rate.push(0.5, 0.2), None);
    }
}
