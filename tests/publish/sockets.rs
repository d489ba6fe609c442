//! Clients of the built program: Unix socket, TCP, HTTP and WebSocket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::program::{messages, of_type, run, wav, with_model};

fn lines(mut stream: impl std::io::Read) -> Vec<Value> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        // The daemon went without reading all that it was sent.
        Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => {}
        read => drop(read.unwrap()),
    }
    messages(std::str::from_utf8(&bytes).unwrap())
}

fn seqs(messages: &[Value]) -> Vec<u64> {
    of_type(messages, "decision")
        .iter()
        .map(|d| d["seq"].as_u64().unwrap())
        .collect()
}

fn in_order(seqs: &[u64]) -> bool {
    seqs.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

#[test]
fn every_client_of_a_socket_receives_everything_it_chose_whatever_others_do() {
    let (daemon, mut feed) = Daemon::fed();
    let mode = std::fs::metadata(&daemon.unix)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
    // It never reads, and must trouble nobody.
    let _silent = daemon.connect_unix();
    let mut vanishing = daemon.connect_tcp();
    vanishing.read_exact(&mut [0; 10]).unwrap();
    drop(vanishing);
    let mut all = BufReader::new(daemon.connect_unix());
    let mut hello = String::new();
    all.read_line(&mut hello).unwrap();
    let all = std::thread::spawn(move || lines(hello.as_bytes().chain(all)));
    let mut choosy = daemon.connect_tcp();
    choosy
        .write_all(b"\n{\"types\":[\"state\",\"level\"],\"rate\":2}\n")
        .unwrap();
    // Its choice counts from its first level on: nobody gets levels who did not choose them.
    let mut chosen = BufReader::new(choosy).lines().map(Result::unwrap);
    let (sender, first_level) = std::sync::mpsc::channel();
    let choosy = std::thread::spawn(move || {
        let mut text = String::new();
        for line in chosen.by_ref() {
            text += &format!("{line}\n");
            if line.contains("\"level\"") {
                let _ = sender.send(());
            }
        }
        messages(&text)
    });
    while first_level.recv_timeout(Duration::from_millis(20)).is_err() {
        feed.play(0.2);
    }
    feed.play(5.0);
    drop(feed);
    let all = all.join().unwrap();
    let chosen = choosy.join().unwrap();

    assert_eq!(all[0]["type"], "hello");
    assert_eq!(all[0]["model"], "untrained");
    let seqs = seqs(&all);
    assert!(seqs.len() > 40 && in_order(&seqs), "{seqs:?}");
    assert_eq!(seqs[0], 0);
    assert_eq!(all.last().unwrap()["state"], "ended");
    assert!(
        of_type(&all, "level").is_empty(),
        "levels only for clients that chose them"
    );
    assert!(of_type(&all, "lagged").is_empty());

    assert_eq!(chosen[0]["type"], "hello");
    let levels = of_type(&chosen, "level");
    let t = |message: &Value| message["t"].as_f64().unwrap();
    let lasted_s = t(levels.last().unwrap()) - t(levels[0]);
    let expected = 1.0 + 2.0 * lasted_s;
    assert!(lasted_s > 4.0, "{lasted_s}");
    assert!(
        (levels.len() as f64 - expected).abs() <= 2.0,
        "two a second of {lasted_s} s: {}",
        levels.len()
    );
    assert_eq!(chosen.last().unwrap()["state"], "ended");
    daemon.ends_well();
}

#[test]
fn a_line_that_is_no_choice_is_refused_and_ends_the_connection() {
    let daemon = Daemon::playing(30.0, |_| {});
    for line in ["GET / HTTP/1.1\r\n".to_owned(), "x".repeat(5000)] {
        let mut client = daemon.connect_unix();
        client.write_all(line.as_bytes()).unwrap();
        let output = lines(client);
        assert_eq!(output.last().unwrap()["type"], "refused", "{output:?}");
    }
    daemon.interrupted_ends_well();
}

#[test]
fn a_living_socket_is_refused_and_a_dead_one_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 2.0);
    let path = folder.path().join("vocald.sock");
    let start = |path: &Path| {
        let mut command = with_model("run --pace max");
        command.arg(format!("--unix={}", path.display())).arg(&song);
        run(&mut command)
    };
    let living = UnixListener::bind(&path).unwrap();
    let output = start(&path);
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("another program listens on it"),
        "{}",
        output.err
    );
    drop(living);
    assert!(path.exists());
    let output = start(&path);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(!path.exists());
    let output = start(&song);
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("no socket"), "{}", output.err);
    assert!(song.exists());
}

fn websocket(
    daemon: &Daemon,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<tungstenite::WebSocket<TcpStream>, u16> {
    use tungstenite::client::IntoClientRequest as _;
    let mut request = format!("ws://{}{path}", daemon.http)
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        let name: tungstenite::http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(&daemon.http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    match tungstenite::client(request, stream) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            Err(answer.status().as_u16())
        }
        Err(other) => panic!("{other}"),
    }
}

/// Everything up to the good-bye.
fn frames(mut socket: tungstenite::WebSocket<TcpStream>) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Text(text)) => {
                heard.push(serde_json::from_str(&text).unwrap());
            }
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return heard,
            Err(other) => panic!("no good-bye: {other}"),
        }
    }
}

#[test]
fn a_websocket_gets_what_its_address_or_its_message_chooses() {
    let (daemon, mut feed) = Daemon::fed();
    let own = format!("http://{}", daemon.http);
    let all = websocket(&daemon, "/ws", &[("Origin", &own)]).unwrap();
    let all = std::thread::spawn(move || frames(all));
    let levels = websocket(&daemon, "/ws?types=level,state", &[]).unwrap();
    let levels = std::thread::spawn(move || frames(levels));
    // One that never reads.
    let _silent = websocket(&daemon, "/ws", &[]).unwrap();
    let mut wrong = websocket(&daemon, "/ws", &[]).unwrap();
    wrong.send(tungstenite::Message::text("[1]")).unwrap();
    assert_eq!(frames(wrong).last().unwrap()["type"], "refused");
    assert_eq!(websocket(&daemon, "/ws?types=noise", &[]).err(), Some(400));
    let elsewhere = [("Origin", "https://evil.example")];
    assert_eq!(websocket(&daemon, "/ws", &elsewhere).err(), Some(403));
    feed.play(5.0);
    drop(feed);

    let all = all.join().unwrap();
    assert_eq!(all[0]["type"], "hello");
    assert!(
        seqs(&all).len() > 30 && in_order(&seqs(&all)),
        "{:?}",
        seqs(&all)
    );
    assert_eq!(all.last().unwrap()["state"], "ended");
    let levels = levels.join().unwrap();
    assert!(of_type(&levels, "level").len() > 30);
    assert_eq!(
        levels[1..]
            .iter()
            .filter(|m| m["type"] == "decision")
            .count(),
        0
    );
    daemon.ends_well();
}

#[test]
fn http_serves_the_state_the_health_and_the_numbers() {
    let daemon = Daemon::playing(30.0, |_| {});
    let (status, page) = daemon.get("/", "");
    assert_eq!(status, 200);
    let scripts = page.split("<script src=\"").skip(1);
    let files: Vec<&str> = scripts.filter_map(|rest| rest.split('"').next()).collect();
    assert!(files.contains(&"page.js"), "{page}");
    for file in files.into_iter().chain(["style.css"]) {
        assert_eq!(daemon.get(&format!("/{file}"), "").0, 200);
    }
    daemon.until_healthy();
    let state: Value = serde_json::from_str(&daemon.get("/api/state", "").1).unwrap();
    assert_eq!(state["hello"]["streams"][0]["state"], "running");
    assert!(state["decisions"][0]["p"].as_f64().unwrap() > 0.0);
    let streams: Value = serde_json::from_str(&daemon.get("/api/streams", "").1).unwrap();
    assert_eq!(streams, state["hello"]["streams"]);
    let stored = include_str!("../../config/events.schema.json");
    let schema: Value = serde_json::from_str(&daemon.get("/schema.json", "").1).unwrap();
    assert_eq!(schema, serde_json::from_str::<Value>(stored).unwrap());
    let metrics = daemon.get("/metrics", "").1;
    for line in [
        "vocald_build_info{version=",
        "vocald_model_info{name=\"untrained\",device=\"cpu\"} 1",
        "vocald_decisions_total{stream=",
        "vocald_voice_seconds_total{stream=",
        "vocald_latency_seconds_bucket{le=",
        "vocald_websocket_clients 0",
        "vocald_xruns_total{source=",
        "vocald_captured_frames_total{source=",
        "vocald_queue_messages{sink=\"stdout\"}",
        "vocald_queue_messages{sink=\"http\"}",
        "vocald_queue_windows ",
        "vocald_inferred_windows_total ",
        "vocald_inference_seconds_bucket{le=\"0.071\"}",
        "vocald_inference_seconds_bucket{le=\"+Inf\"}",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    // Every window went through the network once, and every pass is in some bucket.
    let number = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    };
    let passes = number("vocald_inference_seconds_count ");
    assert!(passes >= 1.0);
    assert_eq!(
        number("vocald_inference_seconds_bucket{le=\"+Inf\"} "),
        passes
    );
    assert!(number("vocald_inferred_windows_total ") >= passes);
    // A page that has its own name point here must not read along.
    assert_eq!(daemon.get("/api/state", "Host: evil.example\r\n").0, 403);
    assert_eq!(daemon.get("/nothing", "").0, 404);
    daemon.interrupted_ends_well();
}

#[test]
fn metrics_come_as_plain_text_for_a_scraper_that_prefers_it() {
    let daemon = Daemon::playing(30.0, |_| {});
    daemon.until_healthy();
    let plain = daemon
        .get("/metrics", "Accept: text/plain;version=0.0.4\r\n")
        .1;
    for line in [
        "# TYPE vocald_build_info gauge",
        "# TYPE vocald_decisions_total counter",
        "# TYPE vocald_latency_seconds histogram",
        "vocald_decisions_total{stream=",
    ] {
        assert!(plain.contains(line), "{line} in {plain}");
    }
    assert!(!plain.contains("# EOF") && !plain.contains("# UNIT"));
    let check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    match check {
        Err(_) => println!("not checked: promtool is not installed"),
        Ok(mut promtool) => {
            let mut stdin = promtool.stdin.take().unwrap();
            stdin.write_all(plain.as_bytes()).unwrap();
            drop(stdin);
            let output = promtool.wait_with_output().unwrap();
            let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{complaints}{plain}");
        }
    }
    daemon.interrupted_ends_well();
}

#[test]
fn beyond_this_machine_a_token_is_demanded() {
    let output = run(&mut with_model("run --http=0.0.0.0:0 nothing.wav"));
    assert_eq!(output.code, Some(2));
    assert!(output.err.contains("VOCALD_TOKEN"), "{}", output.err);
    let output = run(&mut with_model("run --tcp 0.0.0.0:0 nothing.wav"));
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("not on this machine alone"),
        "{}",
        output.err
    );

    let mut daemon = Daemon::playing(30.0, |command| {
        command.env("VOCALD_TOKEN", "open sesame");
    });
    assert_eq!(daemon.get("/", "").0, 200);
    for path in [
        "/api/state",
        "/healthz",
        "/metrics",
        "/ws",
        "/api/state?token=open",
    ] {
        assert_eq!(daemon.get(path, "").0, 401, "{path}");
    }
    assert_eq!(
        daemon.get("/api/state", "Authorization: Bearer open\r\n").0,
        401
    );
    assert_eq!(
        daemon
            .get("/api/state", "Authorization: Bearer open sesame\r\n")
            .0,
        200
    );
    assert_eq!(daemon.get("/api/state?token=open%20sesame", "").0, 200);
    assert!(websocket(&daemon, "/ws?token=open%20sesame", &[]).is_ok());
    daemon.child.kill().unwrap();
}

#[test]
fn more_clients_than_allowed_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("few.toml");
    let text = "[publish.unix]\nclients_max = 1\n[publish.http]\nclients_max = 1\n";
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::playing(30.0, |command| {
        command.arg("--config").arg(&config);
    });
    let mut first = BufReader::new(daemon.connect_unix());
    first.read_line(&mut String::new()).unwrap();
    let second = lines(daemon.connect_unix());
    assert_eq!(second[0]["type"], "refused");
    let _first = websocket(&daemon, "/ws", &[]).unwrap();
    assert_eq!(websocket(&daemon, "/ws", &[]).err(), Some(503));
    assert_eq!(
        daemon.get("/api/streams", "").0,
        200,
        "the page is still there"
    );
    daemon.interrupted_ends_well();
}
