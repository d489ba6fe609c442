//! The published schema is the one in `config/`, and messages keep to the form it promises.

use vocald_client::message::{Decision, Gap, GapReason, State, StreamState, Version};
use vocald_client::{Message, request_schema, schema};

/// After a wanted change: `UPDATE_SCHEMA=1 cargo test --release --test publish schema::`.
#[test]
fn the_schemas_in_the_repository_are_those_of_the_types() {
    for (name, schema) in [("events", schema()), ("requests", request_schema())] {
        let file = format!("{}/config/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&file, &generated).unwrap();
        }
        let stored = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(generated == stored, "{file} is not that of the types");
    }
}

fn decision() -> Decision {
    Decision {
        v: Version,
        stream: "hall".into(),
        seq: 3,
        t: 1.5,
        wall: 1_700_000_000.25,
        p: 0.75,
        voice: true,
        lookahead: 0.58,
        latency: 0.0125,
        speech_p: None,
        speech: None,
        late: false,
        test: false,
    }
}

#[test]
fn a_message_is_one_flat_object_with_version_type_and_stream() {
    let json = serde_json::to_value(Message::Decision(decision())).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "v": 1, "type": "decision", "stream": "hall", "seq": 3, "t": 1.5,
            "wall": 1_700_000_000.25, "p": 0.75, "voice": true, "lookahead": 0.58, "latency": 0.0125,
        })
    );
    let state = State {
        v: Version,
        stream: "hall".into(),
        state: StreamState::Running,
        reason: None,
        counts: Default::default(),
    };
    assert_eq!(
        serde_json::to_value(Message::State(state)).unwrap(),
        serde_json::json!({ "v": 1, "type": "state", "stream": "hall", "state": "running" })
    );
}

#[test]
fn messages_are_read_back_and_other_versions_refused() {
    let gap = Message::Gap(Gap {
        v: Version,
        stream: "hall".into(),
        t: 2.0,
        lost: 0.5,
        reason: GapReason::RingFull,
    });
    let line = serde_json::to_string(&gap).unwrap();
    assert_eq!(serde_json::from_str::<Message>(&line).unwrap(), gap);
    assert!(serde_json::from_str::<Message>(&line.replace("\"v\":1", "\"v\":2")).is_err());
}

#[test]
fn numbers_that_are_not_finite_are_found() {
    for (t, p) in [(f64::NAN, 0.5), (f64::INFINITY, 0.5), (0.0, f32::NAN)] {
        assert!(!Message::Decision(Decision { t, p, ..decision() }).is_finite());
    }
    assert!(Message::Decision(decision()).is_finite());
}
