//! The state of sinks: published to the others, in `hello`, in `/healthz` and in the metrics.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::Value;
use vocald::publish::hub::{Delivery, HelloFacts, Hub, Published, Sink};
use vocald_client::Message;
use vocald_client::message::{SinkState, SinkStatus, State, StreamState, Version};

use crate::support::daemon::{Daemon, PATIENCE};

/// A sink that does what the number says.
struct Troubled(Arc<AtomicU8>);

const FINE: u8 = 0;
const AWAY: u8 = 1;
const PANICS: u8 = 2;
const FAILS: u8 = 3;

impl Sink for Troubled {
    fn name(&self) -> String {
        "troubled".into()
    }

    fn deliver(&mut self, _: &[Arc<Published>]) -> io::Result<()> {
        match self.0.load(Ordering::Relaxed) {
            PANICS => {
                self.0.store(FINE, Ordering::Relaxed);
                panic!("injected")
            }
            FAILS => Err(io::Error::other("the disk is full")),
            _ => Ok(()),
        }
    }

    fn state(&self) -> (SinkState, Option<String>) {
        match self.0.load(Ordering::Relaxed) {
            AWAY => (SinkState::Waiting, Some("the broker is away".into())),
            _ => (SinkState::Running, None),
        }
    }
}

#[test]
fn every_change_of_a_sinks_state_is_reported_with_its_reason() {
    let hub = Hub::new(HelloFacts {
        model: "test".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: vec![0.58],
        lookahead_s: 0.58,
        hop_s: 0.0714,
        speech_thresholds: None,
    });
    let mood = Arc::new(AtomicU8::new(FINE));
    let delivery = Delivery::DropOldest { capacity: 8 };
    hub.attach(Troubled(Arc::clone(&mood)), delivery).unwrap();
    let id = hub.attach(Troubled(Arc::new(AtomicU8::new(FINE))), delivery);
    let names: Vec<String> = hub.hello().sinks.into_iter().map(|s| s.sink).collect();
    assert_eq!(names, ["troubled", "troubled 2"]);
    let becomes = |now: u8, expected: &[(SinkState, &str)]| {
        mood.store(now, Ordering::Relaxed);
        hub.publish(Message::State(State {
            v: Version,
            stream: "a".into(),
            state: StreamState::Running,
            reason: None,
            counts: Default::default(),
        }));
        for (state, reason) in expected {
            let (_, change) = hub.changes().recv_timeout(PATIENCE).unwrap();
            assert_eq!((change.sink.as_str(), change.state), ("troubled", *state));
            assert!(change.reason.unwrap_or_default().contains(reason));
        }
    };
    becomes(AWAY, &[(SinkState::Waiting, "the broker is away")]);
    becomes(FINE, &[(SinkState::Running, "")]);
    becomes(
        PANICS,
        &[
            (SinkState::Waiting, "panicked and is restarted"),
            (SinkState::Running, ""),
        ],
    );
    becomes(FAILS, &[(SinkState::Failed, "the disk is full")]);
    let id = id.unwrap();
    hub.detach(id, PATIENCE);
    // What its thread reported at the last moment does not bring it back.
    let late = SinkStatus {
        sink: "troubled 2".into(),
        state: SinkState::Waiting,
        reason: None,
    };
    hub.publish_change((id, late));
    assert_eq!(hub.hello().sinks.len(), 1);
}

#[test]
fn an_output_whose_other_end_is_away_is_seen_everywhere() {
    // Nobody listens there until later.
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let daemon = Daemon::playing(30.0, |command| {
        command.args(["--mqtt", &format!("mqtt://{address}")]);
    });
    let stream = daemon.connect_unix();
    (&stream)
        .write_all(b"{\"types\":[\"sink\"],\"streams\":[\"none\"]}\n")
        .unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut read = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let is_away = |status: &Value| status["sink"] == "MQTT" && status["state"] == "waiting";
    let hello = read();
    let mut away = hello["sinks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| is_away(s))
        .cloned();
    while away.is_none() {
        away = Some(read()).filter(is_away);
    }
    let reason = away.unwrap()["reason"].to_string();
    assert!(reason.contains(&address.to_string()), "{reason}");
    daemon.until_healthy();
    let (_, health) = daemon.get("/healthz", "");
    assert!(
        health.starts_with("ok\nMQTT is waiting: broker"),
        "{health}"
    );
    let (_, metrics) = daemon.get("/metrics", "");
    assert!(
        metrics.contains("vocald_sink_running{sink=\"MQTT\"} 0"),
        "{metrics}"
    );
    assert!(
        metrics.contains("vocald_sink_running{sink=\"unix\"} 1"),
        "{metrics}"
    );
    let (_, control) = daemon.get("/api/control", "");
    assert!(
        control.contains("\"sink\":\"MQTT\",\"state\":\"waiting\""),
        "{control}"
    );
    daemon.interrupted_ends_well();
}
