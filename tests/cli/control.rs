//! Changes of a running daemon: through each of its doors, by signal and by the command.

use std::f32::consts::TAU;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message as Frame, WebSocket};

use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::program::{model, of_type, run, send_signal, vocald, with_model};

/// A configuration file in a folder with what it names, and the daemon that runs it.
struct Stage {
    daemon: Daemon,
    config: PathBuf,
    over: Arc<AtomicBool>,
    folder: tempfile::TempDir,
}

/// Two places, each a FIFO: their writers wait, so that a busy machine loses nothing.
const SOURCES: &str = "
[[source]]
name = \"hall\"
input = \"fifo:FOLDER/hall\"
format = \"f32le\"
rate_hz = 22050
channels = 1
stall_s = 3600

[[source]]
name = \"room\"
input = \"fifo:FOLDER/room\"
format = \"f32le\"
rate_hz = 22050
channels = 1
stall_s = 3600
";
/// Voice from the first decision on.
const VOICE: &str = "[decision]\nenter = 0.002\nleave = 0.001\n";
/// Never voice.
const NO_VOICE: &str = "[decision]\nenter = 0.998\nleave = 0.997\n";

impl Stage {
    fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        for name in ["hall", "room", "booth"] {
            play(folder.path().join(name), Arc::clone(&over));
        }
        std::fs::copy(model(), folder.path().join("other.safetensors")).unwrap();
        let path = folder.path().join("stage.toml");
        write(&path, config);
        let mut command = with_model("run --config");
        command.arg(&path);
        Self {
            daemon: Daemon::start(command),
            config: path,
            over,
            folder,
        }
    }

    fn configure(&self, config: &str) {
        write(&self.config, config);
    }

    fn unix(&self) -> Line {
        let stream = self.daemon.connect_unix();
        let writer = stream.try_clone().unwrap();
        let mut line = Line {
            lines: BufReader::new(stream).lines(),
            writer,
            seen: Vec::new(),
        };
        assert_eq!(line.next()["type"], "hello");
        line
    }

    fn post(&self, path: &str, headers: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.daemon.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.daemon.http,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    fn web_socket(&self) -> WebSocket<MaybeTlsStream<TcpStream>> {
        let (socket, _) = tungstenite::connect(format!("ws://{}/ws", self.daemon.http)).unwrap();
        socket
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Writers wait for a reader no longer.
        for name in ["hall", "room", "booth"] {
            let read = std::fs::File::options().read(true).write(true);
            drop(read.clone().open(self.folder.path().join(name)));
        }
    }
}

/// Plays a tone into a FIFO, at four times its speed at most, to one reader after the other.
fn play(path: PathBuf, over: Arc<AtomicBool>) {
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    std::thread::spawn(move || {
        let mut n = 0;
        while !over.load(Ordering::Relaxed) {
            let Ok(mut fifo) = std::fs::File::options().write(true).open(&path) else {
                return;
            };
            loop {
                let tone = (n..n + 2205).map(|n| 0.5 * (n as f32 * 440.0 * TAU / 22_050.0).sin());
                let bytes: Vec<u8> = tone.flat_map(f32::to_le_bytes).collect();
                n = (n + 2205) % 22_050;
                if fifo.write_all(&bytes).is_err() || over.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(25));
            }
        }
    });
}

fn write(path: &Path, config: &str) {
    let folder = path.parent().unwrap().to_str().unwrap();
    std::fs::write(path, config.replace("FOLDER", folder)).unwrap();
}

/// A client of the Unix socket, with all that it has received.
struct Line {
    lines: Lines<BufReader<UnixStream>>,
    writer: UnixStream,
    seen: Vec<Value>,
}

impl Line {
    fn next(&mut self) -> Value {
        let message: Value = serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap();
        self.seen.push(message.clone());
        message
    }

    /// The next message that `is` holds for.
    fn until(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next();
            if is(&message) {
                return message;
            }
        }
    }

    /// Waits until a voice is present, which may have begun before the connection.
    fn until_voice(&mut self, stream: &str) {
        self.until(|m| m["type"] == "decision" && m["stream"] == stream && m["voice"] == true);
    }

    fn until_type(&mut self, kind: &str, stream: &str) -> Value {
        self.until(|m| m["type"] == kind && m["stream"] == stream)
    }

    fn request(&mut self, request: &Value) -> Value {
        writeln!(self.writer, "{request}").unwrap();
        self.until(|m| m["type"] == "reply")
    }

    fn done(&mut self, request: &Value) -> Value {
        let reply = self.request(request);
        assert_eq!(reply["ok"], true, "{request} {reply}");
        reply
    }

    /// Waits for decisions, and checks that those of `stream` are without a hole since the beginning.
    #[track_caller]
    fn unbroken(&mut self, stream: &str) {
        for _ in 0..10 {
            self.until_type("decision", stream);
        }
        let of_stream = |m: &&Value| m["stream"] == stream;
        assert_eq!(of_type(&self.seen, "gap"), Vec::<&Value>::new());
        let seqs: Vec<u64> = of_type(&self.seen, "decision")
            .into_iter()
            .filter(of_stream)
            .map(|d| d["seq"].as_u64().unwrap())
            .collect();
        let broken = seqs.windows(2).find(|pair| pair[1] != pair[0] + 1);
        assert_eq!(broken, None, "{stream}");
    }
}

#[test]
fn every_door_takes_requests_and_everyone_sees_what_changes() {
    let stage = Stage::start(&format!("{NO_VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_type("decision", "hall");
    line.until_type("decision", "room");
    let reply = line.done(&json!({"request": "get", "id": 7}));
    assert_eq!((&reply["id"], &reply["locked"]), (&json!(7), &json!(false)));
    assert_eq!(reply["streams"].as_array().unwrap().len(), 2);
    assert_eq!(
        reply["streams"][0]["settings"]["decision"]["horizon_frames"],
        7
    );
    let sinks = reply["sinks"].to_string();
    for sink in ["unix", "tcp", "http", "stdout"] {
        assert!(
            sinks.contains(&format!("\"sink\":\"{sink}\",\"state\":\"running\"")),
            "{sinks}"
        );
    }

    // Unix socket.
    let lower = json!({"enter": 0.002, "leave": 0.001});
    line.done(&json!({"request": "set", "stream": "hall", "decision": lower}));
    let settings = line.until_type("settings", "hall");
    assert_eq!(settings["changed"], json!(["enter", "leave"]));
    line.until_type("onset", "hall");
    // WebSocket.
    let mut socket = stage.web_socket();
    let request = json!({"request": "set", "stream": "room", "decision": lower, "id": 1});
    socket.send(Frame::text(request.to_string())).unwrap();
    loop {
        let message: Value =
            serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap();
        if message["type"] == "reply" {
            assert_eq!((&message["ok"], &message["id"]), (&json!(true), &json!(1)));
            break;
        }
    }
    line.until_type("onset", "room");
    // HTTP.
    let back = json!({"request": "set", "decision": {"enter": null, "leave": null}});
    let (status, reply) = stage.post("/api/control", "", &back.to_string());
    assert_eq!((status, &reply["ok"]), (200, &json!(true)));
    assert_eq!(line.until_type("offset", "hall")["reason"], "decision");
    let (_, now) = stage.daemon.get("/api/control", "");
    assert!(now.contains("\"changed\":[]"), "{now}");
    line.unbroken("hall");
    line.unbroken("room");

    // TCP is for reading.
    let mut tcp = BufReader::new(stage.daemon.connect_tcp());
    tcp.get_mut().write_all(b"{\"request\":\"get\"}\n").unwrap();
    let reply = tcp
        .lines()
        .map(Result::unwrap)
        .find(|l| l.contains("\"reply\""))
        .unwrap();
    assert!(reply.contains("TCP takes no requests"), "{reply}");
}

#[test]
fn what_cannot_be_done_is_answered_and_changes_nothing() {
    let stage = Stage::start(&format!("{NO_VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_type("decision", "hall");
    for (request, problem) in [
        (
            json!({"request": "set", "stream": "cellar", "decision": {"enter": 0.7}}),
            "no stream `cellar`",
        ),
        (json!({"request": "set", "decision": {"enter": 1.5}}), "1.5"),
        (
            json!({"request": "set", "decision": {"enter": 0.4, "leave": 0.6}}),
            "leave voice is above",
        ),
        (
            json!({"request": "set", "decision": {"horizon_frames": 8}}),
            "does not offer",
        ),
        (json!({"request": "set", "gain_db": 100}), "-60 to 60 dB"),
        (
            json!({"request": "test", "seconds": -1}),
            "not in 0 to 600 s",
        ),
        (json!({"request": "fly"}), "no request such as"),
        (json!({"request": "mute", "streams": "hall"}), "streams"),
    ] {
        let reply = line.request(&request);
        assert_eq!(reply["ok"], false, "{request}");
        let error = reply["error"].as_str().unwrap();
        assert!(error.contains(problem), "{request}: {error}");
        let (status, _) = stage.post("/api/control", "", &request.to_string());
        assert_eq!(status, 400, "{request}");
    }
    let reply = line.done(&json!({"request": "get"}));
    for stream in reply["streams"].as_array().unwrap() {
        assert_eq!(stream["settings"]["changed"], json!([]));
    }
    let (status, _) = stage.post(
        "/api/control",
        "Origin: https://evil.example\r\n",
        "{\"request\":\"mute\"}",
    );
    assert_eq!(status, 403);
    line.unbroken("hall");
}

#[test]
fn mute_a_test_and_the_lock() {
    let stage = Stage::start(&format!("{VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_voice("hall");
    line.done(&json!({"request": "mute", "stream": "hall"}));
    let offset = line.until_type("offset", "hall");
    assert_eq!(
        (&offset["reason"], &offset["test"]),
        (&json!("muted"), &Value::Null)
    );
    assert_eq!(line.until_type("settings", "hall")["muted"], true);
    assert_eq!(line.until_type("decision", "hall")["voice"], false);

    // A test is heard over the mute.
    line.done(&json!({"request": "test", "stream": "hall", "seconds": 0.5}));
    let onset = line.until_type("onset", "hall");
    assert_eq!(
        (&onset["test"], &onset["reason"]),
        (&json!(true), &json!("test"))
    );
    let decision = line.until_type("decision", "hall");
    assert_eq!(
        (&decision["test"], &decision["voice"]),
        (&json!(true), &json!(true))
    );
    let offset = line.until_type("offset", "hall");
    assert_eq!(
        (&offset["test"], &offset["id"]),
        (&json!(true), &onset["id"])
    );
    assert!(offset["duration"].as_f64().unwrap() >= 0.5);
    assert_eq!(line.until_type("decision", "hall")["voice"], false);

    line.done(&json!({"request": "lock"}));
    assert_eq!(line.until_type("lock", "*")["locked"], true);
    let unmute = json!({"request": "mute", "stream": "hall", "muted": false});
    let reply = line.request(&unmute);
    assert_eq!(
        (&reply["ok"], &reply["locked"]),
        (&json!(false), &json!(true))
    );
    let (status, _) = stage.post("/api/reload", "", "");
    assert_eq!(status, 409);
    line.done(&json!({"request": "get"}));
    line.done(&json!({"request": "lock", "locked": false}));
    line.done(&unmute);
    line.until_type("onset", "hall");
    line.unbroken("hall");
    line.unbroken("room");
}

#[test]
fn a_test_needs_no_source() {
    let stage = Stage::start(
        "[[source]]\nname = \"hall\"\ninput = \"device:there is none of this name\"\n",
    );
    let mut line = stage.unix();
    let waiting = |hello: &Value| hello["streams"].to_string().contains("waiting");
    if !waiting(&line.seen[0]) {
        line.until(|m| m["state"] == "waiting");
    }
    line.done(&json!({"request": "test", "seconds": 0.3}));
    assert_eq!(line.until_type("onset", "hall")["test"], true);
    assert_eq!(line.until_type("offset", "hall")["test"], true);
}

#[test]
fn a_reload_changes_what_differs_and_nothing_else() {
    let stage = Stage::start(&format!("{NO_VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_type("decision", "hall");
    line.until_type("decision", "room");
    // Thresholds, by signal. Changes of requests end.
    line.done(&json!({"request": "set", "stream": "room", "decision": {"confirm_m": 5}}));
    stage.configure(&format!("{VOICE}{SOURCES}"));
    send_signal(&stage.daemon.child, libc::SIGHUP);
    let reload = line.until_type("reload", "*");
    assert_eq!(reload["ok"], true);
    assert_eq!(
        reload["changed"],
        json!(["decision.enter", "decision.leave"])
    );
    line.until_type("onset", "hall");
    line.until_type("onset", "room");
    line.unbroken("hall");

    // Another checkpoint for one source, over HTTP.
    let sources = SOURCES.replacen(
        "\n\n",
        "\nmodel = \"FOLDER/other.safetensors\"\ngain_db = -6.0\n\n",
        1,
    );
    stage.configure(&format!("{VOICE}{sources}"));
    let (status, reply) = stage.post("/api/reload", "", "");
    assert_eq!(status, 200, "{reply}");
    line.until_type("settings", "hall");
    line.unbroken("hall");
    line.unbroken("room");
    assert_eq!(of_type(&line.seen, "offset"), Vec::<&Value>::new());

    // A source goes and another comes, and an output with them.
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let osc = format!(
        "[publish.osc]\ntargets = [\"{}\"]\n",
        receiver.local_addr().unwrap()
    );
    let other = sources
        .replace("\"room\"", "\"booth\"")
        .replace("/room\"", "/booth\"");
    stage.configure(&format!("{VOICE}{osc}{other}"));
    line.done(&json!({"request": "reload"}));
    line.until_type("onset", "booth");
    let offset = of_type(&line.seen, "offset");
    assert!(
        offset
            .iter()
            .all(|o| o["stream"] == "room" && o["reason"] == "ended")
    );
    line.unbroken("hall");
    let mut datagram = [0; 256];
    assert!(receiver.recv(&mut datagram).unwrap() > 0);
    let names = line.done(&json!({"request": "get"}))["streams"].to_string();
    assert!(
        names.contains("booth") && !names.contains("room"),
        "{names}"
    );
    line.unbroken("hall");
    stage.daemon.interrupted_ends_well();
}

#[test]
fn a_configuration_that_cannot_be_used_leaves_the_old_one_at_work() {
    let stage = Stage::start(&format!("{VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_voice("hall");
    std::fs::write(
        stage.config.with_file_name("bad.safetensors"),
        "no checkpoint",
    )
    .unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bad_model = SOURCES.replacen("\n\n", "\nmodel = \"FOLDER/bad.safetensors\"\n\n", 1);
    let bad_horizon = SOURCES.replacen("\n\n", "\ndecision = { horizon_frames = 8 }\n\n", 1);
    for (config, problem) in [
        ("[decision]\nentr = 0.5\n".into(), "entr"),
        (format!("{VOICE}{bad_model}"), "bad.safetensors"),
        (format!("{VOICE}{bad_horizon}"), "does not offer"),
        (
            format!("{VOICE}{SOURCES}[[source]]\nname = \"more\"\ninput = \"FOLDER/none.wav\"\n"),
            "none.wav",
        ),
        (
            format!(
                "{VOICE}[publish.mqtt]\nurl = \"mqtt://h\"\npassword_file = \"FOLDER/none\"\n{SOURCES}"
            ),
            "none",
        ),
    ] {
        stage.configure(&config);
        let reply = line.request(&json!({"request": "reload"}));
        assert_eq!(reply["ok"], false, "{config}");
        let error = reply["error"].as_str().unwrap();
        assert!(error.contains(problem), "{error}");
        let published = of_type(&line.seen, "reload").pop().cloned();
        let published = published.unwrap_or_else(|| line.until_type("reload", "*"));
        assert_eq!(published["ok"], false);
        line.unbroken("hall");
        line.unbroken("room");
    }
    drop(taken);
    assert_eq!(of_type(&line.seen, "offset"), Vec::<&Value>::new());
    assert_eq!(of_type(&line.seen, "settings"), Vec::<&Value>::new());
    stage.configure("");
    stage.daemon.interrupted_ends_well();
}

#[test]
fn a_longer_look_ahead_loses_no_decision_and_no_voice() {
    let stage = Stage::start(&format!("{VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_voice("hall");
    for (horizon, lookahead) in [(39, 0.58), (7, 0.12)] {
        line.done(&json!({"request": "set", "decision": {"horizon_frames": horizon}}));
        let changed = line.until(|m| {
            let is = m["lookahead"].as_f64().unwrap_or_default();
            m["stream"] == "hall" && (is - lookahead).abs() < 0.01
        });
        assert_eq!(
            (&changed["type"], &changed["voice"]),
            (&json!("decision"), &json!(true))
        );
        line.unbroken("hall");
    }
    assert_eq!(of_type(&line.seen, "offset"), Vec::<&Value>::new());
}

#[test]
fn a_gate_and_settings_of_a_source_are_its_own() {
    let sources = SOURCES
        .replacen("\n\n", "\ngate_db = -1.0\n\n", 1)
        .replacen(
            "[[source]]\nname = \"room\"",
            "[[source]]\nname = \"room\"\ndecision = { enter = 0.998, leave = \"checkpoint\" }",
            1,
        );
    let stage = Stage::start(&format!("{VOICE}{sources}"));
    let mut line = stage.unix();
    let decision = line.until(|m| {
        m["type"] == "decision" && m["stream"] == "hall" && m["seq"].as_u64() >= Some(20)
    });
    assert_eq!(
        (&decision["p"], &decision["voice"]),
        (&json!(0.0), &json!(false))
    );
    assert_ne!(line.until_type("decision", "room")["p"], json!(0.0));
    assert_eq!(of_type(&line.seen, "onset"), Vec::<&Value>::new());
    let reply = line.done(&json!({"request": "get", "stream": "room"}));
    let decision = &reply["streams"][0]["settings"]["decision"];
    assert_eq!(decision["leave"], 0.5);
    line.done(&json!({"request": "set", "stream": "hall", "gate_db": -120}));
    line.until_voice("hall");
}

#[test]
fn the_command_sends_requests_without_json() {
    let stage = Stage::start(&format!("{VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_type("onset", "hall");
    let unix = stage.daemon.unix.to_str().unwrap().to_owned();
    let page = format!("http://{}", stage.daemon.http);
    let control =
        |address: &str, words: &str| run(&mut vocald(&format!("control --at {address} {words}")));
    let get = control(&unix, "get --stream hall");
    assert!(
        get.out
            .starts_with("hall: running, voice, untrained, look-ahead 0.12 s"),
        "{}",
        get.out
    );
    assert_eq!(
        control(&page, "set enter=0.7 leave=0.3 --stream hall").code,
        Some(0)
    );
    assert_eq!(
        line.until_type("settings", "hall")["changed"],
        json!(["enter", "leave"])
    );
    assert_eq!(
        control(&unix, "set enter=configured leave=configured").code,
        Some(0)
    );
    assert_eq!(
        control(&unix, "test --seconds 0.2 --stream room").code,
        Some(0)
    );
    assert_eq!(
        line.until(|m| m["type"] == "onset" && m["test"] == true)["stream"],
        "room"
    );
    assert_eq!(control(&unix, "lock").code, Some(0));
    let refused = control(&unix, "mute");
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("locked"), "{}", refused.err);
    assert_eq!(control(&unix, "unlock").code, Some(0));
    assert!(control(&unix, "reload").out.contains("done"));
    assert_eq!(control(&unix, "set enter=high").code, Some(2));
    assert_eq!(control(&unix, "set entr=0.5").code, Some(2));
}
