//! `vocald watch` on a pseudo-terminal that goes away.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::program::vocald;
use crate::support::stage::{SOURCES, Stage, VOICE};

const PATIENCE: Duration = Duration::from_secs(20);

/// The two ends of a new pseudo-terminal: ours, and the program's.
fn pty() -> (File, OwnedFd) {
    let (mut ours, mut theirs) = (-1, -1);
    let none = std::ptr::null_mut();
    let mut size = libc::winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: it writes two descriptors, reads the size, and takes null for everything else.
    let opened = unsafe { libc::openpty(&mut ours, &mut theirs, none, none.cast(), &raw mut size) };
    assert_eq!(opened, 0);
    for end in [ours, theirs] {
        // SAFETY: the descriptor is open.
        let set = unsafe { libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
        assert_eq!(set, 0);
    }
    // SAFETY: both were just opened, and have no other owner.
    unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) }
}

/// `vocald watch` on a pseudo-terminal, with nothing to connect to, after its first picture.
fn watch(controlling: bool) -> (Child, Terminal) {
    let (child, mut terminal) = watch_at("/nowhere/vocald.sock", controlling);
    terminal.until(&["Connecting", "no daemon"]);
    (child, terminal)
}

fn watch_at(address: &str, controlling: bool) -> (Child, Terminal) {
    let (ours, theirs) = pty();
    let mut command = vocald(&format!("watch {address}"));
    command
        .env("TERM", "xterm")
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs.try_clone().unwrap())
        .stderr(Stdio::from(theirs));
    // SAFETY: both calls may be made between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::setsid();
            if controlling && libc::ioctl(0, libc::TIOCSCTTY, 0) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
    let seen = Vec::new();
    (command.spawn().unwrap(), Terminal { ours, seen })
}

/// Our end of the pseudo-terminal, and all that came from the program.
struct Terminal {
    ours: File,
    seen: Vec<u8>,
}

impl Terminal {
    /// Reads until one of these texts is shown.
    fn until(&mut self, texts: &[&str]) {
        let mut buffer = [0; 4096];
        loop {
            let screen = screen(&self.seen);
            if texts.iter().any(|text| screen.contains(text)) {
                return;
            }
            let count = self.ours.read(&mut buffer).unwrap();
            self.seen.extend_from_slice(&buffer[..count]);
        }
    }

    fn press(&mut self, key: &[u8]) {
        self.ours.write_all(key).unwrap();
    }
}

/// What a terminal of 80 by 24 shows after these bytes, row after row: text where the cursor was moved to.
fn screen(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut rows = [[' '; 80]; 24];
    let (mut x, mut y) = (0, 0);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            if let Some(cell) = rows.get_mut(y).and_then(|row| row.get_mut(x)) {
                *cell = c;
            }
            x += 1;
            continue;
        }
        let sequence = rest.as_str();
        let Some(end) = sequence.find(|c: char| c.is_ascii_alphabetic()) else {
            break;
        };
        rest = sequence[end + 1..].chars();
        let numbers = sequence[..end].trim_start_matches('[').split(';');
        if sequence[end..].starts_with('H')
            && let [Ok(row), Ok(column)] = numbers.map(str::parse::<usize>).collect::<Vec<_>>()[..]
        {
            (y, x) = (row - 1, column - 1);
        }
    }
    rows.iter().flatten().collect()
}

fn ends(child: &mut Child) -> std::process::ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn watch_ends_when_its_terminal_goes_away() {
    for controlling in [false, true] {
        let (mut child, terminal) = watch(controlling);
        drop(terminal);
        let status = ends(&mut child);
        assert!(status.success(), "controlling {controlling}: {status}");
    }
}

#[test]
fn watch_ends_at_signals_and_at_its_key() {
    for signal in [libc::SIGHUP, libc::SIGTERM, libc::SIGINT] {
        let (mut child, _terminal) = watch(true);
        crate::support::program::send_signal(&child, signal);
        assert!(ends(&mut child).success(), "signal {signal}");
    }
    let (mut child, mut terminal) = watch(true);
    terminal.press(b"q");
    assert!(ends(&mut child).success());
}

#[test]
fn keys_of_watch_change_the_daemon_where_the_connection_takes_requests() {
    let stage = Stage::start(&format!("{VOICE}{SOURCES}"));
    let mut line = stage.unix();
    line.until_voice("hall");
    let unix = stage.daemon.unix.to_str().unwrap();
    let page = format!("http://{}", stage.daemon.http);
    for (address, muted) in [(unix, true), (&page, false)] {
        let (mut child, mut terminal) = watch_at(address, true);
        terminal.until(&["1 hall"]);
        terminal.press(b"m");
        let settings = line.until_type("settings", "hall");
        assert_eq!(settings["muted"], muted, "{address}");
        terminal.press(b"l");
        assert_eq!(line.until_type("lock", "*")["locked"], true);
        terminal.until(&["locked  live"]);
        terminal.press(b"t");
        terminal.until(&["not done: "]);
        terminal.press(b"l");
        assert_eq!(line.until_type("lock", "*")["locked"], false);
        terminal.press(b"t");
        for test in ["onset", "offset"] {
            let tested = line.until(|m| m["type"] == test && m["test"] == true);
            assert_eq!(tested["stream"], "hall");
        }
        terminal.press(b"r");
        assert_eq!(line.until_type("reload", "*")["ok"], true);
        terminal.press(b"q");
        assert!(ends(&mut child).success());
    }
    let (mut child, mut terminal) = watch_at(&format!("tcp:{}", stage.daemon.tcp), true);
    terminal.until(&["1 hall"]);
    terminal.press(b"m");
    terminal.until(&["takes no requests"]);
    terminal.press(b"q");
    assert!(ends(&mut child).success());
}
