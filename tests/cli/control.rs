//! Requests to a running daemon: through each of its doors and by the command.

use std::io::{BufRead as _, BufReader, Write as _};

use serde_json::{Value, json};
use tungstenite::Message as Frame;

use crate::support::program::{of_type, run, vocald};
use crate::support::stage::{NO_VOICE, SOURCES, Stage, VOICE};

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
    tcp.get_mut()
        .write_all(b"{\"request\":\"get\",\"id\":9}\n")
        .unwrap();
    let reply = tcp
        .lines()
        .map(Result::unwrap)
        .find(|l| l.contains("\"reply\""))
        .unwrap();
    assert!(reply.contains("TCP takes no requests"), "{reply}");
    assert!(reply.contains("\"id\":9"), "{reply}");
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
        let of_this_run = problem.contains("no stream");
        assert_eq!(reply["impossible"] == true, !of_this_run, "{request}");
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
    for (words, problem) in [
        ("set enter=high", "neither a number"),
        ("set enter=true", "neither a number"),
        ("set confirm_n=1.5", "neither a whole number"),
        ("set enter=0.5 enter=0.6", "enter is given twice"),
        ("set enter", "not KEY=VALUE"),
        ("set enter=2", "2 is not above 0 and below 1"),
        ("set gain_db=100", "-60 to 60 dB"),
        ("set leave=0.9 enter=0.8", "leave voice is above"),
        ("set horizon_frames=8", "does not offer"),
        ("test --seconds -1", "not in 0 to 600 s"),
        ("test --seconds nan", "not in 0 to 600 s"),
    ] {
        let refused = control(&unix, words);
        assert_eq!(refused.code, Some(2), "{words}: {}", refused.err);
        assert!(refused.err.contains(problem), "{words}: {}", refused.err);
        assert_eq!(refused.err.lines().count(), 1, "{words}: {}", refused.err);
    }
    let unreachable = control("unix:/nonexistent/vocald.sock", "set enter=2");
    assert_eq!(unreachable.code, Some(2), "{}", unreachable.err);
    stage.configure("[decision]\nenter = 2.0\n");
    let reload = control(&unix, "reload");
    assert_eq!(reload.code, Some(2), "{}", reload.err);
    let tcp = format!("tcp:{}", stage.daemon.tcp);
    assert_eq!(control(&tcp, "mute").code, Some(2));
    let unknown = control(&unix, "set lookahead=0.5");
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.err.contains("only enter, reenter"),
        "{}",
        unknown.err
    );
    // Every setting that the message names.
    let (_, all) = unknown.err.split_once("only ").unwrap();
    for key in all.trim().split(", ") {
        let set = control(&unix, &format!("set {key}=configured"));
        assert_eq!(set.code, Some(0), "{key}: {}", set.err);
    }
}
