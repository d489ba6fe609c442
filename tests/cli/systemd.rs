//! `vocald run` under a service manager: its notifications, by a socket that stands in for it.

use std::io::Write as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::program;
use crate::support::program::{sound, wav, with_model};

const PATIENCE: Duration = Duration::from_secs(60);

/// The next message; `None` when none comes for so long.
fn receive(socket: &UnixDatagram, wait: Duration) -> Option<String> {
    socket.set_read_timeout(Some(wait)).unwrap();
    let mut message = [0; 4096];
    let length = socket.recv(&mut message).ok()?;
    Some(String::from_utf8(message[..length].to_vec()).unwrap())
}

/// Messages up to one that begins with `last`, it included.
fn until(socket: &UnixDatagram, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let message = receive(socket, PATIENCE);
        let message = message.unwrap_or_else(|| panic!("no {last} after {all:?}"));
        let found = message.starts_with(last);
        all.push(message);
        if found {
            return all;
        }
    }
}

#[test]
fn the_units_log_goes_to_the_journal() {
    let unit = include_str!("../../config/vocald.service");
    assert!(unit.lines().any(|line| line == "StandardError=journal"));
}

fn terminate(child: &Child) {
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
}

#[test]
fn the_watchdog_is_fed_as_long_as_the_program_works_whether_sound_flows_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let fifo = folder.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let mut child = with_model("run --format f32le --rate 22050 --channels 1 --source")
        .arg(format!("fifo:{}", fifo.display()))
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .env_remove("WATCHDOG_PID")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = until(&socket, "READY=1");
    assert_eq!(start[0], "STATUS=loading the model");
    assert!(!start.contains(&"WATCHDOG=1".into()), "{start:?}");

    // Nobody writes to the FIFO: the program works and waits, and says so.
    (0..3).for_each(|_| _ = until(&socket, "WATCHDOG=1"));
    let mut writer = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let samples: Vec<u8> = sound(22_050, 1, 3.0)
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    writer.write_all(&samples).unwrap();
    let status = |state: &str| {
        let wanted = format!("fifo: {state}");
        while !until(&socket, "STATUS=").last().unwrap().contains(&wanted) {}
    };
    status("running");
    // And on when the sound stops.
    status("stalled");
    (0..3).for_each(|_| _ = until(&socket, "WATCHDOG=1"));
    terminate(&child);
    until(&socket, "STOPPING=1");
    drop(writer);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_abstract_socket_hears_the_beginning_and_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 3.0);
    let name = format!("vocald-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    let mut child = with_model("run --pace max")
        .arg(&song)
        .env("NOTIFY_SOCKET", format!("@{name}"))
        .env_remove("WATCHDOG_USEC")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let all = until(&socket, "STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let place = |expected: &str| all.iter().position(|m| m == expected);
    assert_eq!(place("STATUS=loading the model"), Some(0));
    assert!(place("READY=1").is_some(), "{all:?}");
    assert_eq!(place("WATCHDOG=1"), None, "without WATCHDOG_USEC: {all:?}");
}

#[test]
fn a_socket_that_is_not_there_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 3.0);
    let output = program::run(
        with_model("run --pace max")
            .arg(&song)
            .env("NOTIFY_SOCKET", "/no/such/socket"),
    );
    assert_eq!(output.code, Some(0));
    assert!(
        output
            .err
            .contains("the service manager cannot be notified")
    );
}
