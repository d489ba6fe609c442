//! MQTT, by way of Debian's mosquitto: what subscribers get, early and late, and what becomes of
//! brokers that go away, refuse us or are not there.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use vocald::config::{MqttConfig, MqttVersion};
use vocald::publish::hub::{Delivery, HelloFacts, Hub};
use vocald::publish::mqtt::{Mqtt, MqttError};
use vocald_client::Message;
use vocald_client::message::{
    Decision, EventReason, Gap, GapReason, Offset, Onset, State, StreamState, Version,
};

use crate::support::mqtt_rig::{Bridge, Mosquitto, PATIENCE, Reader, Received, found, free_port};
use crate::support::program::{messages, run, send_signal, vocald, wav, with_model};
use crate::support::speaking::speaking;

fn hub(streams: &[&str], config: &MqttConfig) -> Hub {
    let hub = Hub::new(HelloFacts {
        model: "test".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: vec![0.58],
        lookahead_s: 0.58,
        hop_s: 1.0 / 14.0,
        speech_thresholds: None,
    });
    streams.iter().for_each(|stream| hub.add_stream(stream));
    let sink = Mqtt::start(config, 1024).unwrap();
    hub.attach(sink, Delivery::DropOldest { capacity: 1024 })
        .unwrap();
    hub
}

fn at(port: u16) -> MqttConfig {
    MqttConfig {
        url: format!("mqtt://127.0.0.1:{port}"),
        ..MqttConfig::default()
    }
}

fn state(state: StreamState) -> Message {
    Message::State(State {
        v: Version,
        stream: "hall/1".into(),
        state,
        reason: None,
        counts: Default::default(),
    })
}

fn decision(seq: u64, p: f32, voice: bool) -> Message {
    Message::Decision(Decision {
        v: Version,
        stream: "hall/1".into(),
        seq,
        t: seq as f64 / 14.0,
        wall: 0.0,
        p,
        voice,
        lookahead: 0.58,
        latency: 0.0,
        speech_p: None,
        speech: None,
        late: false,
        test: false,
    })
}

fn onset(id: u64) -> Message {
    Message::Onset(Onset {
        v: Version,
        stream: "hall/1".into(),
        id,
        t: 1.5,
        wall: 0.0,
        p: 0.75,
        reason: EventReason::Decision,
        test: false,
    })
}

fn offset(id: u64) -> Message {
    Message::Offset(Offset {
        v: Version,
        stream: "hall/1".into(),
        id,
        t: 2.5,
        wall: 0.0,
        p: 0.25,
        duration: 1.0,
        reason: EventReason::Decision,
        test: false,
    })
}

fn gap() -> Message {
    Message::Gap(Gap {
        v: Version,
        stream: "hall/1".into(),
        t: 3.5,
        lost: 0.5,
        reason: GapReason::Device,
    })
}

fn json(message: &Message) -> String {
    serde_json::to_string(message).unwrap()
}

fn received(retained: bool, topic: &str, payload: &str) -> Received {
    Received {
        retained,
        topic: format!("vocald/{topic}"),
        payload: payload.into(),
    }
}

fn live(topic: &str, payload: &str) -> Received {
    received(false, topic, payload)
}

fn sorted(mut all: Vec<Received>) -> Vec<Received> {
    all.sort_by(|a, b| a.topic.cmp(&b.topic));
    all
}

/// What a subscriber who comes now finds.
fn kept(port: u16, count: usize) -> Vec<Received> {
    let late = Reader::subscribe(port);
    let all: Vec<_> = (0..count).map(|_| late.next()).collect();
    assert!(all.iter().all(|message| message.retained), "{all:?}");
    sorted(all)
}

#[test]
fn what_happens_is_told_and_what_is_true_is_kept_in_both_versions() {
    let Some(mosquitto) = found("mosquitto") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for version in [MqttVersion::V3_1_1, MqttVersion::V5] {
        let port = free_port();
        let _broker = Mosquitto::open(&mosquitto, folder.path(), port);
        let reader = Reader::subscribe(port);
        let config = MqttConfig {
            version,
            p_rate_hz: 2.0,
            ..at(port)
        };
        let hub = hub(&["hall/1"], &config);
        // `online` may come before the first states or after them.
        let mut first: Vec<_> = (0..3).map(|_| reader.next()).collect();
        first.sort_by(|a, b| a.topic.cmp(&b.topic));
        let starting = json(&state(StreamState::Starting));
        assert_eq!(
            first,
            [
                live("hall_1/state", &starting),
                live("hall_1/voice", "OFF"),
                live("status", "online")
            ]
        );
        let running = state(StreamState::Running);
        let told_now = [
            running.clone(),
            decision(0, 0.25, false),
            decision(1, 0.875, true),
            onset(1),
            offset(1),
            gap(),
        ];
        told_now
            .into_iter()
            .for_each(|message| hub.publish(message));
        let expected = [
            live("hall_1/state", &json(&running)),
            live("hall_1/p", "0.2500"),
            live("hall_1/voice", "ON"),
            live("hall_1/event", &json(&onset(1))),
            live("hall_1/voice", "OFF"),
            live("hall_1/event", &json(&offset(1))),
            live("hall_1/event", &json(&gap())),
        ];
        let got: Vec<_> = expected.iter().map(|_| reader.next()).collect();
        assert_eq!(got, expected);
        // The onset of this one was lost on the way: the decision puts it right.
        hub.publish(decision(2, 0.9, true));
        assert_eq!(reader.next(), live("hall_1/voice", "ON"));
        let now = |status| {
            [
                received(true, "hall_1/state", &json(&running)),
                received(true, "hall_1/voice", "ON"),
                received(true, "status", status),
            ]
        };
        assert_eq!(kept(port, 3), now("online"));
        hub.finish(PATIENCE);
        assert_eq!(reader.next(), live("status", "offline"));
        assert_eq!(kept(port, 3), now("offline"));
    }
}

#[test]
fn while_the_broker_is_away_events_wait_and_then_the_present_is_true() {
    let Some(mosquitto) = found("mosquitto") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _broker = Mosquitto::open(&mosquitto, folder.path(), port);
    let reader = Reader::subscribe(port);
    let mut bridge = Bridge::to(port);
    let hub = hub(&["hall/1"], &at(bridge.port));
    reader.until("vocald/status", "online");
    let running = state(StreamState::Running);
    hub.publish(running.clone());
    reader.until("vocald/hall_1/state", &json(&running));
    bridge.cut();
    // The last will.
    reader.until("vocald/status", "offline");
    let silent = state(StreamState::Silent);
    for message in [onset(1), offset(1), onset(2), silent.clone(), gap()] {
        hub.publish(message);
    }
    bridge.restore();
    let expected = [
        live("hall_1/state", &json(&silent)),
        live("hall_1/voice", "ON"),
        live("status", "online"),
        live("hall_1/event", &json(&onset(1))),
        live("hall_1/event", &json(&offset(1))),
        live("hall_1/event", &json(&onset(2))),
        live("hall_1/event", &json(&gap())),
    ];
    let mut got = Vec::new();
    while got.len() < expected.len() {
        let message = reader.next();
        // One that was on its way when it was cut off may come twice, and the last will that clears the voice is sent
        // when the broker notices the loss.
        let early = [
            live("hall_1/state", &json(&running)),
            live("hall_1/voice", "OFF"),
        ];
        if !early.contains(&message) {
            got.push(message);
        }
    }
    assert_eq!(got, expected);
}

#[test]
fn a_broker_that_has_forgotten_everything_is_told_again() {
    let Some(mosquitto) = found("mosquitto") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let broker = Mosquitto::open(&mosquitto, folder.path(), port);
    let reader = Reader::subscribe(port);
    let hub = hub(&["hall/1"], &at(port));
    hub.publish(onset(1));
    reader.until("vocald/hall_1/voice", "ON");
    drop((broker, reader));
    hub.publish(state(StreamState::Silent));
    let _broker = Mosquitto::open(&mosquitto, folder.path(), port);
    let reader = Reader::subscribe(port);
    let all: Vec<_> = (0..3).map(|_| reader.next()).collect();
    let all = sorted(
        all.into_iter()
            .map(|t| Received {
                retained: true,
                ..t
            })
            .collect(),
    );
    let now = [
        received(true, "hall_1/state", &json(&state(StreamState::Silent))),
        received(true, "hall_1/voice", "ON"),
        received(true, "status", "online"),
    ];
    assert_eq!(all, now);
    assert_eq!(kept(port, 3), now);
}

#[test]
fn a_broker_that_never_answers_holds_nobody_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hub = hub(&["hall/1"], &at(silent.local_addr().unwrap().port()));
    for id in 0..5000 {
        hub.publish(onset(id));
    }
    let ending = Instant::now();
    hub.finish(PATIENCE);
    assert!(ending.elapsed() < PATIENCE / 4, "{:?}", ending.elapsed());
    let end = hub.ends().try_recv().unwrap();
    assert!(end.error.is_none(), "{end:?}");
}

/// `[publish.mqtt]` with these lines, and sound from `input` as stream `hall/1`.
fn config_file(folder: &Path, input: &Path, pace: &str, lines: &str) -> std::path::PathBuf {
    let file = folder.join("vocald.toml");
    let text = format!(
        "[decision]\nenter = 0.44\nleave = 0.43\n[publish.mqtt]\n{lines}\n\
         [[source]]\nname = \"hall/1\"\ninput = {input:?}\npace = \"{pace}\"\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

#[test]
fn the_voices_of_a_file_arrive_as_they_are_printed() {
    let Some(mosquitto) = found("mosquitto") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _broker = Mosquitto::open(&mosquitto, folder.path(), port);
    let reader = Reader::subscribe(port);
    let song = folder.path().join("song.wav");
    wav(&song, 1, 6.0);
    let config = config_file(folder.path(), &song, "max", "prefix = \"stage/left\"");
    let output =
        run(with_model(&format!("run --mqtt mqtt://localhost:{port} --config")).arg(config));
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    let printed: Vec<Value> = messages(&output.out)
        .into_iter()
        .filter(|m| m["type"] == "onset" || m["type"] == "offset")
        .collect();
    assert!(printed.len() >= 4, "{printed:?}");
    let all = reader.until("stage/left/status", "offline");
    let arrived: Vec<Value> = all
        .iter()
        .filter(|message| message.topic == "stage/left/hall_1/event")
        .map(|message| serde_json::from_str(&message.payload).unwrap())
        .collect();
    assert_eq!(arrived, printed);
    let last = kept(port, 3);
    let state: Value = serde_json::from_str(&last[0].payload).unwrap();
    assert_eq!(
        (&state["type"], &state["state"]),
        (&"state".into(), &"ended".into())
    );
    assert_eq!(
        (last[1].topic.as_str(), last[1].payload.as_str()),
        ("stage/left/hall_1/voice", "OFF")
    );
}

#[test]
fn after_a_crash_the_status_is_offline_and_neither_voice_nor_speech_is_present() {
    let Some(mosquitto) = found("mosquitto") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _broker = Mosquitto::open(&mosquitto, folder.path(), port);
    let reader = Reader::subscribe(port);
    let song = folder.path().join("song.wav");
    wav(&song, 1, 60.0);
    for version in ["3.1.1", "5"] {
        let lines = format!("url = \"mqtt://127.0.0.1:{port}\"\nversion = \"{version}\"");
        let config = config_file(folder.path(), &song, "realtime", &lines);
        // A voice from the first decision on, which never ends.
        let mut child = vocald("run --device cpu --enter 0.002 --leave 0.001 --model")
            .arg(speaking(folder.path(), true))
            .arg("--config")
            .arg(config)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        reader.until("vocald/hall_1/voice", "ON");
        reader.until("vocald/hall_1/speech", "ON");
        // The connections that guard them come with the first decision.
        std::thread::sleep(Duration::from_secs(1));
        send_signal(&child, libc::SIGKILL);
        child.wait().unwrap();
        let mut left = vec![
            "vocald/status offline",
            "vocald/hall_1/voice OFF",
            "vocald/hall_1/speech OFF",
        ];
        while !left.is_empty() {
            let message = reader.next();
            left.retain(|will| *will != format!("{} {}", message.topic, message.payload));
        }
        let last = kept(port, 4);
        assert_eq!(
            [&last[0], &last[2], &last[3]],
            [
                &received(true, "hall_1/speech", "OFF"),
                &received(true, "hall_1/voice", "OFF"),
                &received(true, "status", "offline"),
            ]
        );
    }
}

#[test]
fn a_cut_cable_clears_the_voice_and_its_return_restores_it() {
    let Some(mosquitto) = found("mosquitto") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _broker = Mosquitto::open(&mosquitto, folder.path(), port);
    let reader = Reader::subscribe(port);
    let mut bridge = Bridge::to(port);
    let hub = hub(&["hall/1"], &at(bridge.port));
    reader.until("vocald/status", "online");
    // Until the guard is there, a cut does not clear the voice.
    std::thread::sleep(Duration::from_secs(1));
    hub.publish(onset(1));
    reader.until("vocald/hall_1/voice", "ON");
    bridge.cut();
    reader.until("vocald/hall_1/voice", "OFF");
    bridge.restore();
    reader.until("vocald/hall_1/voice", "ON");
    hub.publish(offset(1));
    reader.until("vocald/hall_1/voice", "OFF");
}

/// Runs three seconds of sound, so that there is more than one try, and expects one line that has `words` in it.
#[track_caller]
fn one_sentence(command: &mut Command, words: &str) -> String {
    let output = run(command.stdout(Stdio::null()));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let lines: Vec<_> = output.err.lines().collect();
    assert!(
        lines.len() == 1 && lines[0].contains(words),
        "{words}: {}",
        output.err
    );
    output.err
}

#[test]
fn a_wrong_password_is_named_once_and_the_run_goes_on() {
    let (Some(mosquitto), Some(passwords)) = (found("mosquitto"), found("mosquitto_passwd")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let made = Command::new(passwords)
        .args(["-b", "-c"])
        .arg(at.join("passwords"))
        .args(["desk", "open sesame"])
        .status();
    assert!(made.unwrap().success());
    let port = free_port();
    let settings = format!(
        "listener {port} 127.0.0.1\npassword_file {}\n",
        at.join("passwords").display()
    );
    let _broker = Mosquitto::start(&mosquitto, at, &settings, port);
    let song = at.join("song.wav");
    wav(&song, 1, 3.0);
    let password = at.join("password");
    std::fs::write(&password, "open sesame\n").unwrap();
    let mut refused = String::new();
    for version in ["3.1.1", "5"] {
        let lines = format!(
            "url = \"mqtt://127.0.0.1:{port}\"\nversion = \"{version}\"\nuser = \"desk\"\npassword_file = {password:?}\n"
        );
        let config = config_file(at, &song, "realtime", &lines);
        let vocald = || {
            let mut vocald = with_model("run -v --config");
            vocald
                .arg(&config)
                .env("RUST_LOG", "vocald::publish::mqtt=info");
            vocald
        };
        // The environment has the last word.
        refused += &one_sentence(
            vocald().env("VOCALD_MQTT_PASSWORD", "guessed wrong"),
            "refuses user `desk` with this password",
        );
        one_sentence(&mut vocald(), ": connected");
    }
    assert!(!refused.contains("guessed"), "{refused}");
    let lines = format!("url = \"mqtt://127.0.0.1:{port}\"");
    let config = config_file(at, &song, "realtime", &lines);
    one_sentence(
        with_model("run --config").arg(config),
        "requires a user and a password",
    );
}

#[test]
fn a_broker_that_is_not_there_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 3.0);
    // What is there speaks another protocol, or nothing we can read.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other_port = other.local_addr().unwrap().port();
    std::thread::spawn(move || other.incoming().for_each(drop));
    std::thread::scope(|scope| {
        for (port, words) in [
            (
                free_port(),
                "the broker cannot be reached: Connection refused",
            ),
            (
                other_port,
                "the broker closed the connection before it let us in",
            ),
        ] {
            let mut command = with_model(&format!("run --mqtt mqtt://127.0.0.1:{port}"));
            command.arg(&song);
            scope.spawn(move || one_sentence(&mut command, words));
        }
    });
}

/// A CA in `folder` and what it has signed: `NAME.pem` and `NAME.key` of each.
fn certificates(openssl: &Path, folder: &Path) {
    let script = r#"
        set -e
        ca() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" \
                   -addext basicConstraints=critical,CA:TRUE -keyout $1.key -out $1.pem; }
        signed() { openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout $1.key -out $1.csr
                   printf "$2" > $1.ext
                   openssl x509 -req -days 2 -in $1.csr -CA ca.pem -CAkey ca.key -set_serial $3 \
                       -extfile $1.ext -out $1.pem; }
        ca ca; ca stranger
        signed server "subjectAltName=IP:127.0.0.1,DNS:localhost\n" 1
        signed client "extendedKeyUsage=clientAuth\n" 2
    "#;
    let made = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .env("PATH", openssl.parent().unwrap())
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

#[test]
fn tls_goes_by_a_ca_of_ones_own_and_by_client_certificates() {
    let (Some(mosquitto), Some(openssl)) = (found("mosquitto"), found("openssl")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    certificates(&openssl, at);
    let file = |name: &str| at.join(name).to_str().unwrap().to_owned();
    let (port, plain) = (free_port(), free_port());
    let settings = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nrequire_certificate true\n\
         cafile {}\ncertfile {}\nkeyfile {}\nlistener {plain} 127.0.0.1\n",
        file("ca.pem"),
        file("server.pem"),
        file("server.key"),
    );
    let _broker = Mosquitto::start(&mosquitto, at, &settings, port);
    let reader = Reader::subscribe(plain);
    for host in ["127.0.0.1", "localhost"] {
        let config = MqttConfig {
            url: format!("mqtts://{host}:{port}"),
            ca_file: file("ca.pem"),
            client_cert_file: file("client.pem"),
            client_key_file: file("client.key"),
            ..MqttConfig::default()
        };
        let hub = hub(&["hall/1"], &config);
        hub.publish(onset(1));
        reader.until("vocald/hall_1/event", &json(&onset(1)));
        hub.finish(PATIENCE);
        reader.until("vocald/status", "offline");
    }

    let song = at.join("song.wav");
    wav(&song, 1, 3.0);
    let fails = |url: &str, lines: &str, words: &str| {
        let config = config_file(at, &song, "realtime", &format!("url = \"{url}\"\n{lines}"));
        one_sentence(with_model("run --config").arg(config), words);
    };
    let url = format!("mqtts://127.0.0.1:{port}");
    let stranger = format!("ca_file = {:?}", file("stranger.pem"));
    fails(&url, &stranger, "the broker's certificate is not trusted");
    let trusted = format!("ca_file = {:?}", file("ca.pem"));
    fails(&url, &trusted, "the broker requires a certificate of ours");
    let url = format!("mqtts://127.0.0.1:{plain}");
    fails(&url, &trusted, "before it let us in");
}

#[test]
fn files_that_are_none_are_named_before_the_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (empty, text) = (file("empty", ""), file("text", "dear diary\n"));
    let missing = folder.path().join("missing").to_str().unwrap().to_owned();
    let tls = || MqttConfig {
        url: "mqtts://127.0.0.1".into(),
        ..MqttConfig::default()
    };
    let with = |config: MqttConfig| Mqtt::start(&config, 16).err().unwrap();
    for (fault, words) in [
        (
            with(MqttConfig {
                ca_file: missing.clone(),
                ..tls()
            }),
            "missing: No such file",
        ),
        (
            with(MqttConfig {
                ca_file: text.clone(),
                ..tls()
            }),
            "text: there is no certificate in it",
        ),
        (
            with(MqttConfig {
                user: "desk".into(),
                password_file: missing,
                ..tls()
            }),
            "missing: the password cannot be read: No such file",
        ),
        (
            with(MqttConfig {
                user: "desk".into(),
                password_file: empty,
                ..tls()
            }),
            "empty: the password cannot be read: its first line is empty",
        ),
        (
            with(MqttConfig {
                password_file: text,
                ..tls()
            }),
            "publish.mqtt.user: there is a password and nobody whose it is",
        ),
    ] {
        let output = fault.to_string();
        assert!(output.contains(words), "{words}: {output}");
        assert!(matches!(
            fault,
            MqttError::File { .. } | MqttError::Config(_)
        ));
    }
}

#[test]
fn home_assistant_finds_the_streams_and_those_that_are_gone_are_cleared() {
    let Some(mosquitto) = found("mosquitto") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for version in [MqttVersion::V3_1_1, MqttVersion::V5] {
        let port = free_port();
        let _broker = Mosquitto::open(&mosquitto, folder.path(), port);
        let config = MqttConfig {
            version,
            discovery_prefix: "homeassistant".into(),
            client_id: "stage".into(),
            ..at(port)
        };
        let first = hub(&["hall/1", "keys"], &config);
        let reader = Reader::subscribe(port);
        let description = "homeassistant/binary_sensor/vocald/hall_1/config";
        let sensor: Value = loop {
            let message = reader.next();
            if message.topic == description {
                break serde_json::from_str(&message.payload).unwrap();
            }
        };
        assert_eq!(sensor["name"], "hall/1");
        assert_eq!(sensor["unique_id"], "vocald_hall_1_voice");
        assert_eq!(sensor["state_topic"], "vocald/hall_1/voice");
        assert_eq!(sensor["availability_mode"], "all");
        assert_eq!(sensor["availability"][0]["topic"], "vocald/status");
        assert_eq!(sensor["availability"][1]["topic"], "vocald/hall_1/state");
        assert_eq!(sensor["device"]["identifiers"][0], "vocald");
        first.finish(PATIENCE);
        let topics = |all: &[Received]| -> Vec<String> {
            all.iter().map(|message| message.topic.clone()).collect()
        };
        // Two streams: a description, a state and a flag each, and the status.
        assert_eq!(kept(port, 7).len(), 7);

        // Another client with the same prefix keeps its own topics.
        let other = MqttConfig {
            client_id: "foyer".into(),
            ..config.clone()
        };
        let foyer = hub(&["foyer"], &other);
        let watching = Reader::subscribe(port);
        while watching.next().topic != "vocald/foyer/voice" {}
        let second = hub(&["keys"], &config);
        let mut cleared = Vec::new();
        while cleared.len() < 3 {
            let message = watching.next();
            if message.payload.is_empty() {
                cleared.push(message.topic);
            }
        }
        cleared.sort();
        assert_eq!(
            cleared,
            [description, "vocald/hall_1/state", "vocald/hall_1/voice"]
        );
        second.finish(PATIENCE);
        foyer.finish(PATIENCE);
        assert_eq!(
            topics(&kept(port, 7)),
            [
                "homeassistant/binary_sensor/vocald/foyer/config",
                "homeassistant/binary_sensor/vocald/keys/config",
                "vocald/foyer/state",
                "vocald/foyer/voice",
                "vocald/keys/state",
                "vocald/keys/voice",
                "vocald/status",
            ]
        );
    }
}
