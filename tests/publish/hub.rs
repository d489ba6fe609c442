//! The hub: what a new subscriber receives, and what becomes of those that are slow or gone.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use vocald::publish::hub::{Delivery, HelloFacts, Hub, Published, Sink};
use vocald_client::Message;
use vocald_client::message::{EventReason, Offset, Onset, State, StreamState, Version};

/// Hands what it gets to the test; with a gate it waits for a permission before each delivery.
struct Probe {
    sender: Sender<Message>,
    gate: Option<Receiver<()>>,
}

impl Sink for Probe {
    fn name(&self) -> String {
        "probe".into()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            let _ = gate.recv();
        }
        for message in messages {
            self.sender
                .send(message.message.clone())
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        Ok(())
    }
}

fn hub() -> Hub {
    let facts = HelloFacts {
        model: "test".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: vec![0.58],
        lookahead_s: 0.58,
        hop_s: 0.0714,
        speech_thresholds: None,
    };
    let hub = Hub::new(facts);
    hub.add_stream("a");
    hub.add_stream("b");
    hub
}

fn state(stream: &str, state: StreamState) -> Message {
    Message::State(State {
        v: Version,
        stream: stream.into(),
        state,
        reason: None,
        counts: Default::default(),
    })
}

fn onset(id: u64) -> Onset {
    Onset {
        v: Version,
        stream: "a".into(),
        id,
        t: id as f64,
        wall: 0.0,
        p: 0.9,
        reason: EventReason::Decision,
        test: false,
    }
}

fn ids(messages: &[Message]) -> Vec<u64> {
    messages
        .iter()
        .filter_map(|m| {
            if let Message::Onset(o) = m {
                Some(o.id)
            } else {
                None
            }
        })
        .collect()
}

fn attach(hub: &Hub, delivery: Delivery) -> Receiver<Message> {
    let (sender, receiver) = unbounded();
    hub.attach(Probe { sender, gate: None }, delivery).unwrap();
    receiver
}

#[test]
fn a_subscriber_first_receives_the_present_state() {
    let hub = hub();
    hub.publish(state("a", StreamState::Running));
    hub.publish(Message::Onset(onset(7)));
    let receiver = attach(&hub, Delivery::DropOldest { capacity: 8 });
    let Message::Hello(hello) = receiver.recv().unwrap() else {
        panic!("hello comes first")
    };
    let states: Vec<_> = hello
        .streams
        .iter()
        .map(|s| (s.stream.as_str(), s.state, s.onset.clone()))
        .collect();
    assert_eq!(
        states,
        [
            ("a", StreamState::Running, Some(onset(7))),
            ("b", StreamState::Starting, None)
        ]
    );
    hub.publish(Message::Offset(Offset {
        v: Version,
        stream: "a".into(),
        id: 7,
        t: 8.0,
        wall: 0.0,
        p: 0.1,
        duration: 1.0,
        reason: EventReason::Decision,
        test: false,
    }));
    let later = attach(&hub, Delivery::DropOldest { capacity: 8 });
    let Message::Hello(hello) = later.recv().unwrap() else {
        panic!("hello comes first")
    };
    assert_eq!(hello.streams[0].onset, None);
    assert!(matches!(receiver.recv().unwrap(), Message::Offset(o) if o.id == 7));
}

#[test]
fn a_slow_sink_loses_its_own_oldest_and_receives_their_number() {
    let hub = hub();
    let quick = attach(&hub, Delivery::DropOldest { capacity: 1000 });
    let (sender, slow) = unbounded();
    let (open, gate) = unbounded();
    hub.attach(
        Probe {
            sender,
            gate: Some(gate),
        },
        Delivery::DropOldest { capacity: 3 },
    )
    .unwrap();
    open.send(()).unwrap();
    assert!(matches!(slow.recv().unwrap(), Message::Hello(_)));
    for id in 0..=10 {
        hub.publish(Message::Onset(onset(id)));
    }
    drop(open);
    hub.finish(Duration::from_secs(10));
    let slow: Vec<_> = slow.iter().collect();
    let lost: u64 = slow
        .iter()
        .filter_map(|m| {
            if let Message::Lagged(l) = m {
                Some(l.lost)
            } else {
                None
            }
        })
        .sum();
    assert_eq!(ids(&slow).last(), Some(&10));
    assert_eq!(
        ids(&slow).len() as u64 + lost,
        11,
        "what was lost was counted: {slow:?}"
    );
    // It held three in its hands at most, and three waited.
    assert!(lost >= 5, "{slow:?}");
    let quick: Vec<_> = quick.iter().collect();
    assert_eq!(ids(&quick), (0..=10).collect::<Vec<_>>());
}

#[test]
fn a_lossless_sink_gets_everything_however_slow() {
    let hub = hub();
    let (sender, receiver) = bounded(1);
    hub.attach(
        Probe { sender, gate: None },
        Delivery::Lossless { capacity: 2 },
    )
    .unwrap();
    let reader = std::thread::spawn(move || receiver.iter().collect::<Vec<_>>());
    for id in 0..500 {
        hub.publish(Message::Onset(onset(id)));
    }
    hub.finish(Duration::ZERO);
    drop(hub);
    assert_eq!(ids(&reader.join().unwrap()), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_sink_that_is_gone_holds_nobody_up_and_its_end_is_reported() {
    let hub = hub();
    let (sender, receiver) = unbounded();
    hub.attach(
        Probe { sender, gate: None },
        Delivery::Lossless { capacity: 1 },
    )
    .unwrap();
    assert!(matches!(receiver.recv().unwrap(), Message::Hello(_)));
    drop(receiver);
    for id in 0..10 {
        hub.publish(Message::Onset(onset(id)));
    }
    let end = hub.ends().recv().unwrap();
    assert_eq!(end.name, "probe");
    assert_eq!(end.error.map(|e| e.kind()), Some(io::ErrorKind::BrokenPipe));
}

#[test]
fn a_number_that_is_not_finite_is_never_published() {
    let hub = hub();
    let receiver = attach(&hub, Delivery::DropOldest { capacity: 8 });
    hub.publish(Message::Onset(Onset {
        t: f64::NAN,
        ..onset(1)
    }));
    hub.publish(Message::Onset(onset(2)));
    hub.finish(Duration::from_secs(10));
    assert_eq!(ids(&receiver.iter().collect::<Vec<_>>()), [2]);
}

#[test]
fn a_sink_that_hangs_is_left_behind_at_the_end() {
    let hub = hub();
    let (sender, _receiver) = unbounded();
    let (_never, gate) = bounded(0);
    hub.attach(
        Probe {
            sender,
            gate: Some(gate),
        },
        Delivery::DropOldest { capacity: 2 },
    )
    .unwrap();
    hub.finish(Duration::from_millis(20));
}

/// Panics at each onset, and hands everything else to the test.
struct PanicsAtOnsets(Sender<Message>);

impl Sink for PanicsAtOnsets {
    fn name(&self) -> String {
        "fragile".into()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> std::io::Result<()> {
        for published in messages {
            assert!(!matches!(published.message, Message::Onset(_)), "injected");
            self.0.send(published.message.clone()).unwrap();
        }
        Ok(())
    }
}

#[test]
fn a_sink_that_panics_is_restarted_with_the_present_and_ends_after_too_many() {
    let hub = hub();
    let (sender, received) = unbounded();
    hub.attach(
        PanicsAtOnsets(sender),
        Delivery::DropOldest { capacity: 64 },
    )
    .unwrap();
    assert!(matches!(received.recv().unwrap(), Message::Hello(_)));
    hub.publish(Message::Onset(onset(1)));
    // The voice that it could not take is in the present that it gets again.
    let Message::Hello(hello) = received.recv().unwrap() else {
        panic!("no hello")
    };
    assert_eq!(hello.streams[0].onset, Some(onset(1)));
    hub.publish(state("a", StreamState::Silent));
    assert_eq!(received.recv().unwrap(), state("a", StreamState::Silent));
    for id in 2..=6 {
        hub.publish(Message::Onset(onset(id)));
        if id < 6 {
            assert!(matches!(received.recv().unwrap(), Message::Hello(_)));
        }
    }
    let end = hub.ends().recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(
        end.error
            .unwrap()
            .to_string()
            .contains("panicked again and again")
    );
}
