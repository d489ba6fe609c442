//! Light programs by OS2L and OBS Studio, played by stand-ins.

use std::io::{self, BufRead as _, BufReader, Lines};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::{Message as Frame, WebSocket};
use vocald::config::{Config, ObsConfig, Os2lConfig};
use vocald::publish::hub::{HelloFacts, Hub};
use vocald::publish::switches::{Selection, Switchboard, Switches};
use vocald::publish::{Delivery, obs, os2l};
use vocald_client::Message;
use vocald_client::message::{EventReason, Offset, Onset, Version};

use crate::support::program::{run, wav, with_model};

const SOON: Duration = Duration::from_secs(20);

fn hub() -> Hub {
    Hub::new(HelloFacts {
        model: "test".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: vec![0.58],
        lookahead_s: 0.58,
        hop_s: 1.0 / 14.0,
        speech_thresholds: None,
    })
}

fn onset(stream: &str) -> Message {
    Message::Onset(Onset {
        v: Version,
        stream: stream.into(),
        id: 1,
        t: 1.5,
        wall: 10.0,
        p: 0.75,
        reason: EventReason::Decision,
        test: false,
    })
}

fn offset(stream: &str) -> Message {
    Message::Offset(Offset {
        v: Version,
        stream: stream.into(),
        id: 1,
        t: 2.5,
        wall: 11.0,
        p: 0.1,
        duration: 1.0,
        reason: EventReason::Decision,
        test: false,
    })
}

const DELIVERY: Delivery = Delivery::DropOldest { capacity: 16 };

/// The other end of OS2L.
struct Lights {
    listener: TcpListener,
    lines: Option<Lines<BufReader<TcpStream>>>,
}

impl Lights {
    fn new() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (
            Self {
                listener,
                lines: None,
            },
            address,
        )
    }

    fn next(&mut self) -> Value {
        let lines = self.lines.get_or_insert_with(|| {
            let (stream, _) = self.listener.accept().unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            BufReader::new(stream).lines()
        });
        serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap()
    }
}

fn button(name: &str, state: &str) -> Value {
    json!({ "evt": "btn", "name": name, "state": state })
}

#[test]
fn a_light_program_has_a_button_for_each_stream_and_is_told_again_after_a_break() {
    let (mut lights, target) = Lights::new();
    let hub = hub();
    let config = Os2lConfig {
        target,
        ..Os2lConfig::default()
    };
    hub.attach(os2l::start(&config).unwrap(), DELIVERY).unwrap();
    hub.publish(onset("lead"));
    assert_eq!(lights.next(), button("lead", "on"));
    hub.publish(onset("backing"));
    assert_eq!(lights.next(), button("backing", "on"));
    hub.publish(offset("lead"));
    assert_eq!(lights.next(), button("lead", "off"));
    // The light program restarts; what it must know comes at once.
    lights.lines = None;
    assert_eq!(lights.next(), button("backing", "on"));
    assert_eq!(lights.next(), button("lead", "off"));
    // Nobody is known to sing after the end.
    let end = std::thread::spawn(move || hub.finish(SOON));
    assert_eq!(lights.next(), button("backing", "off"));
    end.join().unwrap();
}

#[test]
fn a_light_program_may_have_one_button_for_chosen_streams() {
    let (mut lights, target) = Lights::new();
    let hub = hub();
    let config = Os2lConfig {
        target,
        button: "Voice".into(),
        streams: vec!["lead".into(), "backing".into()],
    };
    hub.attach(os2l::start(&config).unwrap(), DELIVERY).unwrap();
    assert_eq!(lights.next(), button("Voice", "off"));
    hub.publish(onset("announcer"));
    hub.publish(onset("lead"));
    assert_eq!(lights.next(), button("Voice", "on"));
    hub.publish(onset("backing"));
    hub.publish(offset("lead"));
    hub.publish(offset("backing"));
    assert_eq!(lights.next(), button("Voice", "off"));
    hub.finish(SOON);
}

/// OBS with the password "open", as its protocol documents it.
struct Obs {
    listener: TcpListener,
    connection: Option<WebSocket<TcpStream>>,
}

impl Obs {
    fn new() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (
            Self {
                listener,
                connection: None,
            },
            address,
        )
    }

    /// Accepts a connection and its identification.
    fn accept(&mut self) -> Value {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        self.connection = Some(tungstenite::accept(stream).unwrap());
        let challenge = json!({ "challenge": "c", "salt": "s" });
        self.send(
            0,
            json!({ "obsWebSocketVersion": "5.0.0", "rpcVersion": 1, "authentication": challenge }),
        );
        let identify = self.receive();
        self.send(2, json!({ "negotiatedRpcVersion": 1 }));
        identify
    }

    fn send(&mut self, op: u64, data: Value) {
        let text = json!({ "op": op, "d": data }).to_string();
        self.connection
            .as_mut()
            .unwrap()
            .send(Frame::text(text))
            .unwrap();
    }

    fn receive(&mut self) -> Value {
        let frame = self.connection.as_mut().unwrap().read().unwrap();
        serde_json::from_str(frame.to_text().unwrap()).unwrap()
    }

    /// Answers a request; returns its type and data.
    fn answer(&mut self, response: Option<Value>) -> (String, Value) {
        let request = self.receive();
        assert_eq!(request["op"], 6);
        let request = &request["d"];
        let status =
            json!({ "result": response.is_some(), "code": 100, "comment": "no such source" });
        let answer = json!({
            "requestId": request["requestId"], "requestType": request["requestType"],
            "requestStatus": status, "responseData": response,
        });
        let kind = request["requestType"].as_str().unwrap().to_owned();
        let data = request["requestData"].clone();
        self.send(7, answer);
        (kind, data)
    }
}

#[test]
fn obs_mutes_and_shows_sources_while_a_voice_sings() {
    let (mut obs, target) = Obs::new();
    let hub = hub();
    let config = ObsConfig {
        target,
        mute: vec!["Guide".into()],
        show: vec!["Stage/Lyrics".into()],
        ..ObsConfig::default()
    };
    hub.attach(obs::start(&config, "open".into()).unwrap(), DELIVERY)
        .unwrap();
    let identify = obs.accept();
    // base64(sha256(base64(sha256("open" + "s")) + "c")), by another implementation (openssl).
    assert_eq!(identify["op"], 1);
    assert_eq!(
        identify["d"]["authentication"],
        "mwmhxUrKoyKzY2+V4y5MNECverEysGPiJhRq9GO2ATo="
    );
    assert_eq!(identify["d"]["rpcVersion"], 1);
    let follows = |obs: &mut Obs, on: bool| {
        let mute = obs.answer(Some(Value::Null));
        assert_eq!(
            mute,
            (
                "SetInputMute".into(),
                json!({ "inputName": "Guide", "inputMuted": on })
            )
        );
        let item = obs.answer(Some(json!({ "sceneItemId": 7 })));
        assert_eq!(
            item,
            (
                "GetSceneItemId".into(),
                json!({ "sceneName": "Stage", "sourceName": "Lyrics" })
            )
        );
        let shown = obs.answer(Some(Value::Null));
        let data = json!({ "sceneName": "Stage", "sceneItemId": 7, "sceneItemEnabled": on });
        assert_eq!(shown, ("SetSceneItemEnabled".into(), data));
    };
    follows(&mut obs, false);
    hub.publish(onset("lead"));
    follows(&mut obs, true);
    // OBS restarts and is brought to the present state.
    obs.connection = None;
    obs.accept();
    follows(&mut obs, true);
    hub.publish(offset("lead"));
    // A source that is not there stops nothing.
    assert_eq!(obs.answer(None).0, "SetInputMute");
    assert_eq!(obs.answer(None).0, "GetSceneItemId");
    hub.publish(onset("lead"));
    follows(&mut obs, true);
    let end = std::thread::spawn(move || hub.finish(SOON));
    follows(&mut obs, false);
    end.join().unwrap();
}

#[test]
fn impossible_settings_are_refused() {
    for (text, part) in [
        (
            "[publish.os2l]\ntarget = \"lights\"",
            "publish.os2l.target: `lights` is no receiver",
        ),
        (
            "[publish.obs]\ntarget = \"ws://127.0.0.1:4455\"\nmute = [\"a\"]",
            "publish.obs.target",
        ),
        (
            "[publish.obs]\ntarget = \"127.0.0.1:4455\"",
            "nothing to do",
        ),
        (
            "[publish.obs]\ntarget = \"127.0.0.1:4455\"\nshow = [\"Lyrics\"]",
            "SCENE/SOURCE",
        ),
    ] {
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "`{part}` in: {error}");
    }
    Config::parse("[publish.os2l]\ntarget = \"discover\"").unwrap();
}

#[test]
fn a_program_that_accepts_and_leaves_is_logged_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicU32::new(0));
    std::thread::spawn({
        let connections = Arc::clone(&connections);
        move || {
            for stream in listener.incoming() {
                drop(stream);
                connections.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 12.0);
    let config = folder.path().join("vocald.toml");
    let text = format!("[publish.os2l]\ntarget = \"{address}\"\n");
    std::fs::write(&config, text).unwrap();
    let mut command = with_model("run --pace realtime --only state --config");
    let output = run(command.arg(config).arg(song));
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(connections.load(Ordering::Relaxed) > 2);
    let lines = output.err.lines().filter(|line| line.contains("OS2L"));
    assert_eq!(lines.count(), 1, "{}", output.err);
}

/// Panics at its first connections.
struct Panicking {
    panics: u32,
    set: crossbeam_channel::Sender<(Option<String>, bool)>,
}

impl Switchboard for Panicking {
    fn name(&self) -> String {
        "panicking".into()
    }

    fn connect(&mut self) -> io::Result<()> {
        if let Some(left) = self.panics.checked_sub(1) {
            self.panics = left;
            panic!("injected")
        }
        Ok(())
    }

    fn set(&mut self, stream: Option<&str>, on: bool) -> io::Result<()> {
        let switch = (stream.map(str::to_owned), on);
        self.set.send(switch).map_err(io::Error::other)
    }

    fn is_connected(&mut self) -> bool {
        true
    }
}

#[test]
fn switches_are_set_after_panics_of_the_thread() {
    let hub = hub();
    let (set, sets) = crossbeam_channel::unbounded();
    let board = Panicking { panics: 2, set };
    let switches = Switches::start(board, Selection::default()).unwrap();
    hub.attach(switches, DELIVERY).unwrap();
    hub.publish(onset("hall"));
    let hall = |on| Ok((Some("hall".to_owned()), on));
    assert_eq!(sets.recv_timeout(SOON), hall(true));
    hub.publish(offset("hall"));
    assert_eq!(sets.recv_timeout(SOON), hall(false));
    hub.finish(SOON);
}
