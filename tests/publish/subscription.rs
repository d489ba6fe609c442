//! What a receiver's choice lets through.

use std::sync::Arc;

use proptest::prelude::*;
use vocald::publish::filter::Filter;
use vocald::publish::hub::Published;
use vocald_client::Message;
use vocald_client::MessageType;
use vocald_client::Subscription;
use vocald_client::message::{
    Decision, EventReason, Lagged, Level, Onset, State, StreamState, Version,
};

const HOP_S: f64 = 1575.0 / 22_050.0;

fn decision(stream: &str, seq: u64, p: f32) -> Message {
    Message::Decision(Decision {
        v: Version,
        stream: stream.into(),
        seq,
        t: 1.0 + seq as f64 * HOP_S,
        wall: 0.0,
        p,
        voice: p > 0.5,
        lookahead: 0.1,
        latency: 0.01,
        speech_p: None,
        speech: None,
        late: false,
        test: false,
    })
}

fn level(stream: &str, seq: u64, peak_db: f32) -> Message {
    Message::Level(Level {
        v: Version,
        stream: stream.into(),
        t: seq as f64 * HOP_S,
        wall: 0.0,
        rms_db: -60.0,
        peak_db,
        mel: vec![],
    })
}

fn onset(stream: &str) -> Message {
    Message::Onset(Onset {
        v: Version,
        stream: stream.into(),
        id: 1,
        t: 0.0,
        wall: 0.0,
        p: 0.9,
        reason: EventReason::Decision,
        test: false,
    })
}

fn state(stream: &str) -> Message {
    Message::State(State {
        v: Version,
        stream: stream.into(),
        state: StreamState::Running,
        reason: None,
        counts: Default::default(),
    })
}

fn lagged() -> Message {
    Message::Lagged(Lagged {
        v: Version,
        stream: "*".into(),
        lost: 3,
    })
}

fn through(subscription: Subscription, messages: &[Message]) -> Vec<Message> {
    let mut filter = Filter::new(subscription);
    messages
        .iter()
        .filter_map(|m| filter.pass(&Arc::new(Published::new(m.clone()))))
        .map(|published| published.message.clone())
        .collect()
}

fn one_of_each() -> Vec<Message> {
    vec![
        decision("a", 0, 0.25),
        decision("b", 0, 0.5),
        onset("a"),
        onset("b"),
        state("a"),
        level("a", 0, -20.0),
        lagged(),
    ]
}

#[test]
fn types_and_streams_are_chosen_and_what_concerns_the_receiver_always_comes() {
    let all = one_of_each();
    let at = |places: &[usize]| places.iter().map(|&i| all[i].clone()).collect::<Vec<_>>();
    for (choice, places) in [
        ("{}", vec![0, 1, 2, 3, 4, 6]),
        (r#"{"types":["onset","level"]}"#, vec![2, 3, 5, 6]),
        (r#"{"streams":["b"]}"#, vec![1, 3, 6]),
        (r#"{"types":["decision"],"streams":["a","c"]}"#, vec![0, 6]),
        (r#"{"types":[]}"#, vec![6]),
    ] {
        let subscription = Subscription::from_json(choice).unwrap();
        assert_eq!(through(subscription, &all), at(&places), "{choice}");
    }
    assert_eq!(through(Subscription::everything(), &all), all);
}

#[test]
fn a_query_chooses_as_json_does() {
    for (query, json) in [
        ((None, None, None), "{}"),
        ((Some(""), Some(""), Some("")), "{}"),
        (
            (Some("onset, offset"), Some("a"), Some("2.5")),
            r#"{"types":["onset","offset"],"streams":["a"],"rate":2.5}"#,
        ),
    ] {
        let read = Subscription::from_query(query.0, query.1, query.2);
        assert_eq!(read, Subscription::from_json(json), "{query:?}");
    }
}

#[test]
fn what_is_no_choice_is_refused_with_a_sentence() {
    for (json, words) in [
        (r#"{"types":["onsets"]}"#, "unknown variant `onsets`"),
        (r#"{"rate":0}"#, "the rate 0 is not above 0"),
        (r#"{"rate":-1e300}"#, "not above 0"),
        (r#"{"speed":1}"#, "unknown field `speed`"),
        ("GET / HTTP/1.1", "this is no choice"),
        ("[]", "choice"),
    ] {
        let fault = Subscription::from_json(json).unwrap_err().to_string();
        assert!(fault.contains(words), "{json}: {fault}");
    }
    let fault = Subscription::from_query(None, None, Some("fast"))
        .unwrap_err()
        .to_string();
    assert_eq!(fault, "rate=fast is not a number");
    assert!(Subscription::from_query(None, None, Some("NaN")).is_err());
    let many = format!(r#"{{"streams":[{}"x"]}}"#, "\"x\",".repeat(256));
    assert!(
        Subscription::from_json(&many)
            .unwrap_err()
            .to_string()
            .contains("256")
    );
}

#[test]
fn below_the_full_rate_comes_the_peak_since_the_last_message() {
    let p = [0.1, 0.9, 0.2, 0.3, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1];
    let messages: Vec<_> = (0..).zip(p).map(|(seq, p)| decision("a", seq, p)).collect();
    // At 3.5 a second every fourth passes.
    let passed = through(Subscription::default().with_rate(3.5), &messages);
    let newest: Vec<_> = passed
        .iter()
        .map(|m| match m {
            Message::Decision(d) => (d.seq, d.p, d.voice),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(newest[0], (0, 0.1, false));
    assert!(newest.len() >= 3, "{newest:?}");
    assert_eq!(
        newest[1].1, 0.9,
        "the peak is told late, but it is told: {newest:?}"
    );
    assert_eq!(
        newest[1].2,
        p[newest[1].0 as usize] > 0.5,
        "the state is the newest"
    );
}

/// Times of messages are rounded to microseconds, at both ends.
const ROUNDING_S: f64 = 4e-6;

proptest! {
    #[test]
    fn the_rate_is_kept_and_no_peak_is_lost(
        p in prop::collection::vec(0.0f32..1.0, 1..400),
        rate in 0.2f64..40.0,
        skips in prop::collection::vec(0u64..30, 400),
    ) {
        let mut seq = 0;
        let messages: Vec<_> = p.iter().zip(&skips).map(|(&p, &skip)| {
            // Mostly one after the other, now and then a hole.
            seq += 1 + if skip > 25 { skip } else { 0 };
            decision("a", seq, p)
        }).collect();
        let passed: Vec<Decision> = through(Subscription::default().with_rate(rate), &messages)
            .into_iter()
            .map(|m| match m { Message::Decision(d) => d, other => panic!("{other:?}") })
            .collect();
        for (first, d) in passed.iter().enumerate() {
            for (n, later) in passed[first..].iter().enumerate() {
                prop_assert!(n as f64 <= rate * (later.t - d.t) + rate * (HOP_S + ROUNDING_S));
            }
        }
        // What passed stands for all the decisions up to it: their peaks, in order.
        let mut from = 0;
        for d in &passed {
            let to = messages.iter().position(|m| matches!(m, Message::Decision(x) if x.seq == d.seq)).unwrap();
            let peak = p[from..=to].iter().copied().fold(f32::MIN, f32::max);
            prop_assert_eq!(d.p, peak);
            from = to + 1;
        }
        // None waits for longer than one period.
        if from < p.len() {
            let Message::Decision(last) = messages.last().unwrap() else { panic!() };
            prop_assert!(last.t - passed.last().unwrap().t <= 2.0 / rate + 1e-6);
        }
    }

    #[test]
    fn streams_and_types_have_a_rate_each(streams in prop::collection::vec(0usize..3, 1..60)) {
        let names = ["a", "b", "c"];
        let messages: Vec<_> = (0..).zip(&streams).map(|(seq, &s)| decision(names[s], seq, 0.5)).collect();
        let alone = |name: &str| {
            let own: Vec<_> = messages.iter().filter(|m| m.stream() == name).cloned().collect();
            through(Subscription::default().with_rate(2.0), &own)
        };
        let together = through(Subscription::default().with_rate(2.0), &messages);
        for name in names {
            let own: Vec<_> = together.iter().filter(|m| m.stream() == name).cloned().collect();
            prop_assert_eq!(own, alone(name));
        }
    }
}

#[test]
fn what_changes_a_state_is_never_thinned_out() {
    let messages: Vec<_> = (0..50).map(|_| onset("a")).collect();
    let choice = Subscription::default()
        .with_types(vec![MessageType::Onset])
        .with_rate(0.1);
    assert_eq!(through(choice, &messages), messages);
    let levels: Vec<_> = (0..28).map(|n| level("a", n, -30.0 + n as f32)).collect();
    let passed = through(Subscription::everything().with_rate(1.0), &levels);
    assert!(passed.len() <= 3, "{}", passed.len());
}
