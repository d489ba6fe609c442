//! `vocald watch` on a pseudo-terminal that goes away.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::program::vocald;

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

/// `vocald watch` on a pseudo-terminal, after its first picture.
fn watch(controlling: bool) -> (Child, File) {
    let (mut ours, theirs) = pty();
    let mut command = vocald("watch /nowhere/vocald.sock");
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
    let child = command.spawn().unwrap();
    let (mut seen, mut buffer) = (String::new(), [0; 4096]);
    while !seen.contains("Connecting") && !seen.contains("no daemon") {
        let count = ours.read(&mut buffer).unwrap();
        seen += &String::from_utf8_lossy(&buffer[..count]);
    }
    (child, ours)
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
    std::io::Write::write_all(&mut terminal, b"q").unwrap();
    assert!(ends(&mut child).success());
}
