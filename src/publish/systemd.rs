//! Notification of the service manager (`sd_notify(3)`): `READY=1`, `STATUS=`, `WATCHDOG=1` and `STOPPING=1`, if
//! `NOTIFY_SOCKET` is set.
//!
//! The `sd-notify` crate supports neither abstract sockets nor a time limit, so the socket is opened here.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vocald_client::Message;
use vocald_client::message::{SinkState, SinkStatus, StreamState};

use crate::publish::hub::{Published, Sink};

/// Name of the sink.
pub const SYSTEMD: &str = "systemd";

/// A connection to the service manager. Does nothing without one.
pub struct Notifier {
    socket: Option<Socket>,
    /// The service manager restarts the program after this time without `WATCHDOG=1`.
    watchdog: Option<Duration>,
    stopping: AtomicBool,
}

impl Notifier {
    /// From `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. An address that cannot be used is logged.
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

    /// Whether there is a service manager.
    pub fn is_on(&self) -> bool {
        self.socket.is_some()
    }

    /// Reports that the program is running.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// Reports that the program is ending; only the first call does.
    pub fn stopping(&self) {
        if !self.stopping.swap(true, Ordering::Relaxed) {
            self.send("STOPPING=1\nSTATUS=ending");
        }
    }

    /// Reports a status, one line for people.
    pub fn status(&self, text: &str) {
        self.send(&format!("STATUS={}", text.replace(char::is_control, " ")));
    }

    /// The time after which the service manager takes the program for hung, if it watches.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.is_on())
    }

    /// Reports that every thread advances.
    pub fn keep_alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, text: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(text)
        {
            tracing::warn!("the service manager cannot be notified of {text:?}: {error}");
        }
    }
}

/// The sink: reports the state of every stream as the status.
pub struct Systemd {
    notifier: Arc<Notifier>,
    streams: BTreeMap<String, (StreamState, bool)>,
    /// The outputs that do not deliver.
    sinks: BTreeMap<String, SinkState>,
}

impl Systemd {
    /// Without streams.
    pub fn new(notifier: Arc<Notifier>) -> Self {
        Self {
            notifier,
            streams: BTreeMap::new(),
            sinks: BTreeMap::new(),
        }
    }

    fn stream(&mut self, name: &str) -> &mut (StreamState, bool) {
        let unknown = (StreamState::Starting, false);
        self.streams.entry(name.into()).or_insert(unknown)
    }

    fn summary(&self) -> String {
        let describe = |(name, (state, voice)): (&String, &(StreamState, bool))| {
            let voice = if *voice { ", voice" } else { "" };
            format!("{name}: {}{voice}", state.word())
        };
        let sink = |(name, state): (&String, &SinkState)| format!("{name}: {}", state.word());
        let sinks = self.sinks.iter().map(sink);
        let all = self.streams.iter().map(describe).chain(sinks);
        all.collect::<Vec<_>>().join("; ")
    }

    fn set_sink(&mut self, status: &SinkStatus) {
        match status.state {
            SinkState::Running | SinkState::Ended => self.sinks.remove(&status.sink),
            state => self.sinks.insert(status.sink.clone(), state),
        };
    }
}

impl Sink for Systemd {
    fn name(&self) -> String {
        SYSTEMD.into()
    }

    /// Never an error: a failing service manager does not end the run.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        let before = self.summary();
        for message in messages {
            match &message.message {
                Message::Hello(hello) => {
                    for status in &hello.streams {
                        *self.stream(&status.stream) = (status.state, status.onset.is_some());
                    }
                    let known = |name: &String| hello.streams.iter().any(|s| s.stream == *name);
                    self.streams.retain(|name, _| known(name));
                    self.sinks.clear();
                    hello.sinks.iter().for_each(|sink| self.set_sink(sink));
                }
                Message::State(state) => {
                    let stream = self.stream(&state.stream);
                    *stream = (state.state, stream.1 && state.state.has_sound());
                }
                Message::Decision(decision) => {
                    self.stream(&decision.stream).1 = decision.voice;
                }
                Message::Sink(changed) => self.set_sink(&changed.status),
                Message::Offset(offset) => self.stream(&offset.stream).1 = false,
                Message::Onset(_)
                | Message::SpeechOnset(_)
                | Message::SpeechOffset(_)
                | Message::Gap(_)
                | Message::Level(_)
                | Message::Settings(_)
                | Message::Reload(_)
                | Message::Lock(_)
                | Message::Reply(_)
                | Message::Lagged(_)
                | Message::Refused(_) => {}
            }
        }
        let summary = self.summary();
        if summary != before && !self.notifier.stopping.load(Ordering::Relaxed) {
            self.notifier.status(&summary);
        }
        Ok(())
    }
}

struct Socket {
    socket: std::os::unix::net::UnixDatagram,
    address: std::os::unix::net::SocketAddr,
}

impl Socket {
    /// A message that the service manager does not take within this time is dropped.
    const TIME_LIMIT: Duration = Duration::from_secs(1);

    fn open(address: &str) -> io::Result<Self> {
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let address = match address.strip_prefix('@') {
            Some(name) => abstract_address(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(Self::TIME_LIMIT))?;
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

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &str) -> io::Result<std::os::unix::net::SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
