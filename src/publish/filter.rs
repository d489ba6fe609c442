//! The filter of one receiver: types, streams and rate of its subscription.

use std::collections::BTreeMap;
use std::sync::Arc;

use vocald_client::{Message, Subscription};

use crate::publish::published::Published;
use crate::publish::rate_limit::RateLimit;

/// A [`Subscription`] with the state of its rate limits.
#[derive(Debug, Default)]
pub struct Filter {
    subscription: Subscription,
    decisions: BTreeMap<String, RateLimit>,
    speech: BTreeMap<String, RateLimit>,
    levels: BTreeMap<String, RateLimit>,
}

impl Filter {
    /// A filter that has held nothing back.
    pub fn new(subscription: Subscription) -> Self {
        Self {
            subscription,
            ..Self::default()
        }
    }

    /// The message as this receiver gets it; `None` if it does not. With a rate, `p` and `speech_p` of a decision and `peak_db` of a
    /// level are the largest since the last one that passed.
    pub fn pass(&mut self, published: &Arc<Published>) -> Option<Arc<Published>> {
        if !self.subscription.includes(&published.message) {
            return None;
        }
        let Some(rate) = self.subscription.rate() else {
            return Some(Arc::clone(published));
        };
        match &published.message {
            Message::Decision(d) => {
                let speech = d.speech_p;
                let speech = speech.map(|p| peak(&mut self.speech, rate, &d.stream, d.t, p));
                let p = peak(&mut self.decisions, rate, &d.stream, d.t, d.p)?;
                // Both limits pass at the same times.
                let speech_p = speech.map_or(d.speech_p, |peak| peak.or(d.speech_p));
                if (p, speech_p) == (d.p, d.speech_p) {
                    return Some(Arc::clone(published));
                }
                let mut decision = d.clone();
                (decision.p, decision.speech_p) = (p, speech_p);
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

/// Limits the values of one stream.
fn peak(
    limits: &mut BTreeMap<String, RateLimit>,
    rate_hz: f64,
    stream: &str,
    t_s: f64,
    value: f32,
) -> Option<f32> {
    if !limits.contains_key(stream) {
        limits.insert(stream.to_owned(), RateLimit::new(rate_hz)?);
    }
    limits.get_mut(stream)?.push(t_s, value)
}
