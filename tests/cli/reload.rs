//! The configuration read again while the program runs.

use serde_json::{Value, json};

use crate::support::daemon::PATIENCE;
use crate::support::program::{of_type, send_signal};
use crate::support::stage::{NO_VOICE, SOURCES, Stage, VOICE};

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
    // What is published of a stream comes before the `hello` without it.
    let without_room =
        |m: &Value| m["type"] == "hello" && !m["streams"].to_string().contains("room");
    line.until(without_room);
    let offset = of_type(&line.seen, "offset");
    assert!(
        offset
            .iter()
            .all(|o| o["stream"] == "room" && o["reason"] == "ended")
    );
    let hello = line.seen.iter().position(without_room).unwrap();
    assert!(line.seen[hello..].iter().all(|m| m["stream"] != "room"));
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
fn what_is_requested_during_a_reload_is_another_reload_after_it() {
    let stage = Stage::start(&format!("{NO_VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_type("decision", "hall");
    let enter = |thousandths: u32| format!("[decision]\nenter = 0.{thousandths}\nleave = 0.1\n");
    for thousandths in 901..=905 {
        stage.configure(&format!("{}{SOURCES}", enter(thousandths)));
        send_signal(&stage.daemon.child, libc::SIGHUP);
    }
    line.until(|m| m["type"] == "settings" && m["decision"]["enter"] == 0.905);
    let replies = std::thread::scope(|scope| {
        let reload = || stage.post("/api/reload", "", "");
        let posted = [0; 4].map(|_| scope.spawn(reload));
        posted.map(|reply| reply.join().unwrap().0)
    });
    assert_eq!(replies, [200; 4]);
    line.unbroken("hall");
}
