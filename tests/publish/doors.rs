//! Clients that misbehave at the doors of the built program, and what others notice of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::program::{run, wav, with_model};

/// Lets this process open many connections.
fn make_room() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.map_or(8192, |most| most.min(8192));
    let more = Rlimit {
        current: Some(current),
        ..limit
    };
    setrlimit(Resource::Nofile, more).unwrap();
}

fn idle(daemon: &Daemon, count: usize, sent: &str) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = TcpStream::connect(&daemon.http).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        stream
    };
    (0..count).map(connect).collect()
}

#[test]
fn idle_connections_lock_nobody_out_and_are_closed() {
    make_room();
    let daemon = Daemon::playing(60.0, |_| {});
    daemon.until_healthy();
    for sent in ["", "GET / HTTP/1.1\r\nHost: loc"] {
        let flood = idle(&daemon, 1200, sent);
        for path in ["/healthz", "/metrics", "/"] {
            assert_eq!(daemon.get(path, "").0, 200, "{path}");
        }
        // The newest connection of the flood is closed too, by its time limit or by later ones.
        let mut last = flood.into_iter().next_back().unwrap();
        last.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = last.read_to_end(&mut Vec::new());
    }
    daemon.interrupted_ends_well();
}

#[test]
fn a_connection_that_is_kept_alive_is_closed_when_it_is_idle() {
    let daemon = Daemon::playing(60.0, |_| {});
    let mut stream = TcpStream::connect(&daemon.http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET /style.css HTTP/1.1\r\nHost: {}\r\n\r\n", daemon.http);
    stream.write_all(request.as_bytes()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert!(all.starts_with("HTTP/1.1 200"), "{all}");
    daemon.interrupted_ends_well();
}

#[test]
fn headers_have_at_most_16_kb() {
    let daemon = Daemon::playing(30.0, |_| {});
    let header = |bytes: usize| format!("X: {}\r\n", "x".repeat(bytes));
    assert_eq!(daemon.get("/api/streams", &header(12_000)).0, 200);
    assert_eq!(daemon.get("/api/streams", &header(17_000)).0, 431);
    daemon.interrupted_ends_well();
}

#[test]
fn the_limit_of_one_address_leaves_places_for_others() {
    let mut daemon = Daemon::playing(30.0, |command| {
        command
            .env("VOCALD_PUBLISH_TCP_CLIENTS_PER_ADDRESS_MAX", "2")
            .env("VOCALD_PUBLISH_HTTP_CLIENTS_PER_ADDRESS_MAX", "1");
    });
    let first_line = |stream: TcpStream| {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        (line, stream)
    };
    let held: Vec<_> = (0..2).map(|_| first_line(daemon.connect_tcp())).collect();
    assert!(held.iter().all(|(line, _)| line.contains("\"hello\"")));
    let (refused, _) = first_line(daemon.connect_tcp());
    assert!(
        refused.contains("publish.tcp.clients_per_address_max"),
        "{refused}"
    );
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dm9jYWxkIHZvY2FsZCB2bw==\r\n";
    let request = format!("GET /ws HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n");
    let _held = idle(&daemon, 1, &request);
    let start = Instant::now();
    while !daemon.get("/metrics", "").1.contains("websocket_clients 1") {
        assert!(start.elapsed() < PATIENCE);
    }
    let mut second = idle(&daemon, 1, &request).remove(0);
    let mut response = String::new();
    second.set_read_timeout(Some(PATIENCE)).unwrap();
    second.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
    assert!(
        response.contains("publish.http.clients_per_address_max"),
        "{response}"
    );
    daemon.end();
}

#[test]
fn a_refusal_is_logged_once_with_the_setting_that_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 30.0);
    let mut child = with_model("run --pace realtime --http 127.0.0.1:0")
        .arg(&song)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let http = lines.find_map(|line| {
        let line = line.unwrap();
        let rest = line.strip_prefix("vocald: the page is at http://")?;
        Some(rest.trim_end_matches('/').to_owned())
    });
    let http = http.unwrap();
    let get = |headers: &str| {
        let mut stream = TcpStream::connect(&http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET /api/state HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    for _ in 0..5 {
        assert!(get("Host: evil.example\r\n").starts_with("HTTP/1.1 403"));
    }
    crate::support::program::send_signal(&child, libc::SIGINT);
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    child.wait().unwrap();
    let logged: Vec<&String> = rest
        .iter()
        .filter(|line| line.contains("evil.example"))
        .collect();
    assert_eq!(logged.len(), 1, "{rest:?}");
    assert!(logged[0].contains("publish.http.token"), "{logged:?}");
}

#[test]
fn a_socket_whose_file_is_deleted_is_made_again() {
    let daemon = Daemon::playing(60.0, |_| {});
    let mut old = BufReader::new(daemon.connect_unix());
    std::fs::remove_file(&daemon.unix).unwrap();
    // Nothing of others is replaced.
    std::fs::write(&daemon.unix, "a file").unwrap();
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(std::fs::read_to_string(&daemon.unix).unwrap(), "a file");
    std::fs::remove_file(&daemon.unix).unwrap();
    let start = Instant::now();
    let mut new = loop {
        match UnixStream::connect(&daemon.unix) {
            Ok(stream) => break BufReader::new(stream),
            Err(error) => assert!(start.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    for stream in [&mut old, &mut new] {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        assert!(line.contains("\"hello\""), "{line}");
    }
    daemon.interrupted_ends_well();
}

#[test]
fn a_socket_path_may_be_as_long_as_the_system_allows() {
    let folder = tempfile::tempdir().unwrap();
    let path = |bytes: usize| -> PathBuf {
        let rest = bytes - folder.path().as_os_str().len() - 1;
        folder.path().join("x".repeat(rest))
    };
    let longest = path(107);
    let mut command = with_model("run --pace realtime");
    let song = folder.path().join("song.wav");
    wav(&song, 1, 30.0);
    command.arg(&song);
    let daemon = Daemon::start_on(command, &longest);
    daemon.connect_unix();
    daemon.interrupted_ends_well();
    let mut command = with_model("run --pace max");
    command
        .arg(&song)
        .arg(format!("--unix={}", path(108).display()));
    let output = run(&mut command);
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("at most 107 bytes"), "{}", output.err);
}

#[test]
fn without_file_handles_the_page_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 60.0);
    let mut command = with_model("run --pace realtime");
    command.arg(&song);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .env_remove("RUST_LOG");
    let daemon = Daemon::start(limited);
    daemon.until_healthy();
    let _flood = idle(&daemon, 150, "");
    let _lines: Vec<UnixStream> = (0..50).map(|_| daemon.connect_unix()).collect();
    assert_eq!(daemon.get("/healthz", "").0, 200);
    daemon.interrupted_ends_well();
}
