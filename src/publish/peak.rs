//! Fewer probabilities, for receivers that do not want all fourteen a second.

/// Times count as equal within this: far below the 71.4 ms between decisions.
const SLACK_S: f64 = 1e-3;

/// Lets one probability through a period of stream time: the highest since the one before.
#[derive(Debug)]
pub struct PeakRate {
    period_s: f64,
    next_s: f64,
    peak: f32,
}

impl PeakRate {
    /// `None` at a rate of 0: nothing is let through.
    pub fn new(rate_hz: f64) -> Option<Self> {
        (rate_hz > 0.0).then(|| Self {
            period_s: rate_hz.recip(),
            next_s: f64::NEG_INFINITY,
            peak: 0.0,
        })
    }

    /// `p` at stream time `t_s`; what may be told now.
    pub fn push(&mut self, t_s: f64, p: f32) -> Option<f32> {
        self.peak = self.peak.max(p);
        if t_s + SLACK_S < self.next_s {
            return None;
        }
        // After a hole it goes on from here and does not catch up.
        let on_time = t_s - self.next_s <= self.period_s;
        self.next_s = if on_time { self.next_s } else { t_s } + self.period_s;
        Some(std::mem::take(&mut self.peak))
    }
}

#[cfg(test)]
mod tests {
    use super::PeakRate;

    #[test]
    fn a_lower_rate_tells_the_highest_since_the_last() {
        let told = |rate_hz: f64| {
            let mut rate = PeakRate::new(rate_hz).unwrap();
            let ps = [0.1, 0.9, 0.2, 0.3, 0.4, 0.3, 0.2];
            let push = |(k, &p): (usize, &f32)| rate.push(k as f64 / 14.0, p);
            ps.iter().enumerate().filter_map(push).collect::<Vec<_>>()
        };
        assert_eq!(told(14.0), [0.1, 0.9, 0.2, 0.3, 0.4, 0.3, 0.2]);
        assert_eq!(told(100.0).len(), 7);
        assert_eq!(told(7.0), [0.1, 0.9, 0.4, 0.3]);
        assert_eq!(told(1.0), [0.1]);
        assert!(PeakRate::new(0.0).is_none());
    }

    #[test]
    fn after_a_hole_it_does_not_catch_up() {
        let mut rate = PeakRate::new(7.0).unwrap();
        assert_eq!(rate.push(0.0, 0.5), Some(0.5));
        assert_eq!(rate.push(10.0, 0.6), Some(0.6));
        assert_eq!(rate.push(10.0 + 1.0 / 14.0, 0.7), None);
        assert_eq!(rate.push(10.0 + 2.0 / 14.0, 0.1), Some(0.7));
    }
}
