//! Applies a subscription to the messages of one receiver: types, streams, rate.

use std::collections::BTreeMap;
use std::sync::Arc;

use vocald_client::{Message, Subscription};

use super::hub::Published;
use super::rate_limit::RateLimit;

/// A [`Subscription`] at work: remembers what it held back.
#[derive(Debug, Default)]
pub struct Filter {
    subscription: Subscription,
    decisions: BTreeMap<String, RateLimit>,
    levels: BTreeMap<String, RateLimit>,
}

impl Filter {
    pub fn new(subscription: Subscription) -> Self {
        Self {
            subscription,
            ..Self::default()
        }
    }

    /// The message as this receiver gets it, or None. Below the full rate, `p` of a decision and
    /// `peak_db` of a level are the largest since the last that passed.
    pub fn pass(&mut self, published: &Arc<Published>) -> Option<Arc<Published>> {
        if !self.subscription.includes(&published.message) {
            return None;
        }
        let Some(rate) = self.subscription.rate() else {
            return Some(Arc::clone(published));
        };
        match &published.message {
            Message::Decision(d) => {
                let p = peak(&mut self.decisions, rate, &d.stream, d.t, d.p)?;
                if p == d.p {
                    return Some(Arc::clone(published));
                }
                let mut decision = d.clone();
                decision.p = p;
                Some(Arc::new(Published::new(Message::Decision(decision))))
            }
            Message::Level(l) => {
                let peak = peak(&mut self.levels, rate, &l.stream, l.t, l.peak_db)?;
                if peak == l.peak_db {
                    return Some(Arc::clone(published));
                }
                let mut level = l.clone();
                level.peak_db = peak;
                Some(Arc::new(Published::new(Message::Level(level))))
            }
            _ => Some(Arc::clone(published)),
        }
    }
}

/// What may be told now of one stream's messages of one type.
fn peak(
    rates: &mut BTreeMap<String, RateLimit>,
    rate_hz: f64,
    stream: &str,
    t_s: f64,
    value: f32,
) -> Option<f32> {
    if !rates.contains_key(stream) {
        rates.insert(stream.to_owned(), RateLimit::new(rate_hz)?);
    }
    rates.get_mut(stream)?.push(t_s, value)
}
