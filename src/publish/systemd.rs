//! Tells the service manager how things stand: `READY=1`, `STATUS=`, `WATCHDOG=1`, `STOPPING=1`
//! (sd_notify), where it has asked for it by `NOTIFY_SOCKET`.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::publish::hub::{Published, Sink};
use vocald_client::Message;
use vocald_client::message::StreamState;

/// Keep-alives in the time after which the service manager gives the program up.
const KEEP_ALIVES: u32 = 4;

/// The way to the service manager; without one it does nothing.
pub struct Notifier {
    socket: Option<Socket>,
    /// The program is given up after so long without `WATCHDOG=1`.
    watchdog: Option<Duration>,
    stopping: AtomicBool,
}

impl Notifier {
    /// As the environment says. An address that cannot be used is logged.
    pub fn from_env() -> Self {
        let socket = std::env::var("NOTIFY_SOCKET").ok().and_then(|address| {
            Socket::open(&address)
                .inspect_err(|e| tracing::warn!("NOTIFY_SOCKET={address} cannot be used: {e}"))
                .ok()
        });
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|&us| us > 0 && for_us);
        Self {
            socket,
            watchdog: watchdog.map(Duration::from_micros),
            stopping: AtomicBool::new(false),
        }
    }

    /// Somebody listens.
    pub fn is_on(&self) -> bool {
        self.socket.is_some()
    }

    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// Said once, however often it is called.
    pub fn stopping(&self) {
        if !self.stopping.swap(true, Ordering::Relaxed) {
            self.send("STOPPING=1\nSTATUS=ending");
        }
    }

    /// One line for people.
    pub fn status(&self, words: &str) {
        self.send(&format!("STATUS={}", words.replace(char::is_control, " ")));
    }

    fn send(&self, text: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(text)
        {
            tracing::warn!("the service manager cannot be told {text:?}: {error}");
        }
    }
}

/// Says the state of every stream in words, and keeps the watchdog quiet for as long as windows
/// are decided on: a program that hears nothing any more is of no use, however alive.
pub struct Systemd {
    notifier: Arc<Notifier>,
    streams: BTreeMap<String, (StreamState, bool)>,
    fed: Option<Instant>,
}

impl Systemd {
    pub fn new(notifier: Arc<Notifier>) -> Self {
        Self {
            notifier,
            streams: BTreeMap::new(),
            fed: None,
        }
    }

    fn feed_watchdog(&mut self) {
        if let Some(limit) = self.notifier.watchdog
            && self
                .fed
                .is_none_or(|fed| fed.elapsed() >= limit / KEEP_ALIVES)
        {
            self.fed = Some(Instant::now());
            self.notifier.send("WATCHDOG=1");
        }
    }

    fn stream(&mut self, name: &str) -> &mut (StreamState, bool) {
        let unknown = (StreamState::Starting, false);
        self.streams.entry(name.into()).or_insert(unknown)
    }

    fn words(&self) -> String {
        let words = |(name, (state, voice)): (&String, &(StreamState, bool))| {
            let voice = if *voice { ", voice" } else { "" };
            format!("{name}: {}{voice}", state.word())
        };
        self.streams
            .iter()
            .map(words)
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl Sink for Systemd {
    fn name(&self) -> String {
        "systemd".into()
    }

    /// Never an error: a service manager that does not listen is its own affair.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        let before = self.words();
        for message in messages {
            match &message.message {
                Message::Hello(hello) => {
                    for status in &hello.streams {
                        *self.stream(&status.stream) = (status.state, status.onset.is_some());
                    }
                }
                Message::State(state) => self.stream(&state.stream).0 = state.state,
                Message::Decision(decision) => {
                    self.stream(&decision.stream).1 = decision.voice;
                    self.feed_watchdog();
                }
                Message::Offset(offset) => self.stream(&offset.stream).1 = false,
                Message::Onset(_)
                | Message::Gap(_)
                | Message::Level(_)
                | Message::Lagged(_)
                | Message::Refused(_) => {}
            }
        }
        let words = self.words();
        if words != before && !self.notifier.stopping.load(Ordering::Relaxed) {
            self.notifier.status(&words);
        }
        Ok(())
    }
}

#[cfg(unix)]
struct Socket {
    socket: std::os::unix::net::UnixDatagram,
    address: std::os::unix::net::SocketAddr,
}

#[cfg(unix)]
impl Socket {
    /// A service manager that does not take a message for so long does not get it.
    const PATIENCE: Duration = Duration::from_secs(1);

    fn open(address: &str) -> io::Result<Self> {
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let address = match address.strip_prefix('@') {
            Some(name) => abstract_address(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(Self::PATIENCE))?;
        Ok(Self { socket, address })
    }

    fn send(&self, text: &str) -> io::Result<()> {
        self.socket
            .send_to_addr(text.as_bytes(), &self.address)
            .map(drop)
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> io::Result<std::os::unix::net::SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    std::os::unix::net::SocketAddr::from_abstract_name(name)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn abstract_address(_: &str) -> io::Result<std::os::unix::net::SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
enum Socket {}

#[cfg(not(unix))]
impl Socket {
    fn open(_: &str) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn send(&self, _: &str) -> io::Result<()> {
        match *self {}
    }
}
