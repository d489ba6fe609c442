//! Publications that wait for the broker: bounded, without ever leaving a retained topic out of date.

use std::collections::VecDeque;

use crate::publish::mqtt::publication::{Kind, Publication};

/// Publications in order. Events wait while the broker is away; beyond the capacity the oldest are dropped. Of retained
/// topics only the present matters: if one of them could not be sent, all are sent anew.
#[derive(Debug)]
pub struct Outbox {
    /// Of `waiting`.
    capacity: usize,
    /// Sent before `waiting`: the present, and what did not arrive.
    first: VecDeque<Publication>,
    waiting: VecDeque<Publication>,
    /// All retained topics are to be sent before anything else.
    present_due: bool,
    lost_events: u64,
}

impl Outbox {
    /// `capacity`: events that may wait, at least 1.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            first: VecDeque::new(),
            waiting: VecDeque::new(),
            present_due: true,
            lost_events: 0,
        }
    }

    /// Adds a publication at the end.
    pub fn push(&mut self, publication: Publication) {
        if self.waiting.len() >= self.capacity {
            self.renew();
        }
        if self.present_due && publication.kind != Kind::Event {
            return;
        }
        self.waiting.push_back(publication);
        self.drop_oldest();
    }

    /// All retained topics are due again: the broker may lack some.
    fn renew(&mut self) {
        let left = std::mem::take(&mut self.first).into_iter();
        let left: Vec<_> = left.chain(self.waiting.drain(..)).collect();
        let events = left.into_iter().filter(|left| left.kind == Kind::Event);
        self.waiting.extend(events);
        self.present_due = true;
    }

    /// Returns publications that were taken, in order, and did not arrive. Only the events among them are sent again.
    pub fn put_back(&mut self, sent: impl DoubleEndedIterator<Item = Publication>) {
        for publication in sent.rev() {
            self.first.push_front(publication);
        }
        self.renew();
        self.drop_oldest();
    }

    /// The next publication. `present`: all retained topics as they are now.
    pub fn take(&mut self, present: impl FnOnce() -> Vec<Publication>) -> Option<Publication> {
        if std::mem::take(&mut self.present_due) {
            self.first.extend(present());
        }
        self.first.pop_front().or_else(|| self.waiting.pop_front())
    }

    /// Returns the publication that was taken last.
    pub fn untake(&mut self, publication: Publication) {
        self.first.push_front(publication);
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.waiting.is_empty() && !self.present_due
    }

    /// Events lost since the last call.
    pub fn take_lost_events(&mut self) -> u64 {
        std::mem::take(&mut self.lost_events)
    }

    /// Only events wait when there are too many.
    fn drop_oldest(&mut self) {
        while self.waiting.len() > self.capacity {
            self.waiting.pop_front();
            self.lost_events += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication(payload: &str, kind: Kind) -> Publication {
        Publication {
            topic: "t".into(),
            payload: payload.into(),
            kind,
        }
    }

    fn event(payload: &str) -> Publication {
        publication(payload, Kind::Event)
    }

    fn retained(payload: &str) -> Publication {
        publication(payload, Kind::Retained)
    }

    fn all(outbox: &mut Outbox, present: &str) -> Vec<String> {
        let mut taken = Vec::new();
        while let Some(next) = outbox.take(|| vec![retained(present)]) {
            taken.push(next.payload);
        }
        assert!(outbox.is_empty());
        taken
    }

    #[test]
    fn while_away_events_wait_and_the_present_is_sent_first() {
        let mut outbox = Outbox::new(8);
        outbox.push(retained("ON"));
        outbox.push(event("1"));
        outbox.push(publication("0.5", Kind::Momentary));
        outbox.push(retained("OFF"));
        outbox.push(event("2"));
        assert_eq!(all(&mut outbox, "now"), ["now", "1", "2"]);
        // Connected, everything goes in its order.
        outbox.push(retained("ON"));
        outbox.push(event("3"));
        outbox.push(publication("0.5", Kind::Momentary));
        outbox.push(retained("OFF"));
        assert_eq!(all(&mut outbox, "now"), ["ON", "3", "0.5", "OFF"]);
    }

    #[test]
    fn what_did_not_arrive_is_sent_again_before_what_came_after() {
        let mut outbox = Outbox::new(8);
        all(&mut outbox, "now");
        outbox.push(event("3"));
        outbox.push(retained("OFF"));
        outbox.put_back([event("1"), retained("ON"), event("2")].into_iter());
        assert_eq!(all(&mut outbox, "now"), ["now", "1", "2", "3"]);
    }

    #[test]
    fn the_oldest_events_are_dropped_and_retained_topics_stay_true() {
        let mut outbox = Outbox::new(3);
        for n in 0..5 {
            outbox.push(event(&n.to_string()));
        }
        assert_eq!(outbox.take_lost_events(), 2);
        assert_eq!(outbox.take_lost_events(), 0);
        assert_eq!(all(&mut outbox, "now"), ["now", "2", "3", "4"]);
        // A slow broker: retained publications are replaced by the present.
        for payload in ["ON", "OFF", "ON", "OFF"] {
            outbox.push(retained(payload));
        }
        outbox.push(event("5"));
        assert_eq!(outbox.take_lost_events(), 0);
        assert_eq!(all(&mut outbox, "OFF"), ["OFF", "5"]);
    }
}
