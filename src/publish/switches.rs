//! Switches of another program that follow the voices: a thread connects, catches up after a break, and tries again
//! when the other program is away.

use std::collections::BTreeMap;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use vocald_client::Message;
use vocald_client::message::{Hello, SinkState};

use crate::publish::hub::{Published, Sink};
use crate::publish::restarted_thread::RestartedThread;

/// A connection, a request or an answer that takes longer has failed.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(3);
/// Time between checks whether the other program is still there.
const CHECK: Duration = Duration::from_secs(1);
/// Time between attempts to connect, from the first on.
const RETRY: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];
/// A connection that lasts as long has held.
const STEADY: Duration = Duration::from_secs(10);
/// Time for switching off at the end of the run.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// Another program with switches.
pub trait Switchboard: Send + 'static {
    /// Name for people, with its address.
    fn name(&self) -> String;

    /// Connects, or connects again.
    ///
    /// # Errors
    ///
    /// If the other program is away or refuses.
    fn connect(&mut self) -> io::Result<()>;

    /// Sets the switch of a stream, or the common one (`None`).
    ///
    /// # Errors
    ///
    /// If the connection has broken.
    fn set(&mut self, stream: Option<&str>, on: bool) -> io::Result<()>;

    /// Whether the connection still exists.
    fn is_connected(&mut self) -> bool;
}

/// Which voices count, and for what.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Streams that count; empty: all.
    pub streams: Vec<String>,
    /// One switch for all streams.
    pub is_common: bool,
}

/// The sink.
pub struct Switches {
    name: String,
    selection: Selection,
    voices: BTreeMap<String, bool>,
    shared: Arc<Shared>,
    worker: RestartedThread,
}

#[derive(Default)]
struct Shared {
    due: Mutex<Due>,
    changed: Condvar,
}

/// What the switches should be.
#[derive(Default)]
struct Due {
    on: BTreeMap<Option<String>, bool>,
    /// At the end of the run: when to give up.
    end_by: Option<Instant>,
    /// Why nothing is switched at present.
    problem: Option<String>,
}

impl Switches {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(mut board: impl Switchboard, selection: Selection) -> io::Result<Self> {
        let name = board.name();
        let shared = Arc::new(Shared::default());
        if selection.is_common {
            shared.lock().on.insert(None, false);
        }
        let worker = RestartedThread::start("switches", {
            let shared = Arc::clone(&shared);
            move || follow(&mut board, &shared)
        })?;
        Ok(Self {
            name,
            selection,
            voices: BTreeMap::new(),
            shared,
            worker,
        })
    }

    fn voice(&mut self, stream: &str, on: bool) {
        let streams = &self.selection.streams;
        if !streams.is_empty() && !streams.iter().any(|name| name == stream) {
            return;
        }
        self.voices.insert(stream.to_owned(), on);
        let (switch, on) = match self.selection.is_common {
            true => (None, self.voices.values().any(|voice| *voice)),
            false => (Some(stream.to_owned()), on),
        };
        self.shared.lock().on.insert(switch, on);
        self.shared.changed.notify_all();
    }
}

impl Switches {
    /// The present: which streams there are, and which of them have a voice.
    fn hello(&mut self, hello: &Hello) {
        let is_there = |name: &String| hello.streams.iter().any(|status| &status.stream == name);
        let gone: Vec<String> = self
            .voices
            .keys()
            .filter(|name| !is_there(name))
            .cloned()
            .collect();
        gone.iter().for_each(|stream| self.voice(stream, false));
        for status in &hello.streams {
            self.voice(&status.stream, status.onset.is_some());
        }
    }
}

impl Sink for Switches {
    fn name(&self) -> String {
        self.name.clone()
    }

    /// Never waits: the thread follows. An error if it panicked again and again.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        self.worker.check()?;
        for message in messages {
            match &message.message {
                Message::Onset(onset) => self.voice(&onset.stream, true),
                Message::Offset(offset) => self.voice(&offset.stream, false),
                Message::Hello(hello) => self.hello(hello),
                _ => {}
            }
        }
        Ok(())
    }

    fn state(&self) -> (SinkState, Option<String>) {
        match self.shared.lock().problem.clone() {
            Some(problem) => (SinkState::Waiting, Some(problem)),
            None => (SinkState::Running, None),
        }
    }
}

impl Drop for Switches {
    /// Nobody is known to sing after the end.
    fn drop(&mut self) {
        let mut due = self.shared.lock();
        due.on.values_mut().for_each(|on| *on = false);
        due.end_by = Some(Instant::now() + END_PATIENCE);
        drop(due);
        self.shared.changed.notify_all();
        self.worker.join();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for at most `limit`, or until something is due.
    fn wait(&self, due: MutexGuard<'_, Due>, limit: Duration) {
        drop(self.changed.wait_timeout(due, limit));
    }
}

/// The thread: keeps the other program's switches as they are due.
fn follow(board: &mut impl Switchboard, shared: &Shared) {
    // Attempts since the last connection that held, and whether one that did not is logged.
    let (mut failures, mut unsteady) = (0, false);
    loop {
        let error = match board.connect() {
            Ok(()) => {
                if failures > 0 && !unsteady {
                    tracing::warn!("{} is there", board.name());
                }
                shared.lock().problem = None;
                let since = Instant::now();
                let Err(error) = keep(board, shared) else {
                    return;
                };
                let held = since.elapsed() >= STEADY;
                if held || !unsteady {
                    tracing::warn!("{}: {error}; trying again", board.name());
                }
                unsteady = !held;
                if held {
                    failures = 0;
                }
                error
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!("{}: {error}; it is waited for", board.name());
                }
                error
            }
        };
        let mut due = shared.lock();
        due.problem = Some(error.to_string());
        if due.end_by.is_some() {
            return;
        }
        shared.wait_for_end(due, RETRY[failures.min(RETRY.len() - 1)]);
        failures += 1;
    }
}

impl Shared {
    /// Waits for `limit`, or until the end of the run.
    fn wait_for_end(&self, due: MutexGuard<'_, Due>, limit: Duration) {
        let wait = |due: &mut Due| due.end_by.is_none();
        drop(self.changed.wait_timeout_while(due, limit, wait));
    }
}

/// Sets switches until the connection breaks, or the run ends.
fn keep(board: &mut impl Switchboard, shared: &Shared) -> io::Result<()> {
    let mut set: BTreeMap<Option<String>, bool> = BTreeMap::new();
    loop {
        let due = shared.lock();
        let mut different = due
            .on
            .iter()
            .filter(|(switch, on)| set.get(*switch) != Some(*on));
        let next = different.next().map(|(switch, on)| (switch.clone(), *on));
        drop(different);
        match (next, due.end_by) {
            (_, Some(end)) if Instant::now() >= end => return Ok(()),
            (None, Some(_)) => return Ok(()),
            (None, None) => {
                shared.wait(due, CHECK);
                if !board.is_connected() {
                    return Err(io::Error::from(io::ErrorKind::ConnectionReset));
                }
            }
            (Some((switch, on)), _) => {
                drop(due);
                // A flag that is written into a closed connection would be lost without an error.
                if !board.is_connected() {
                    return Err(io::Error::from(io::ErrorKind::ConnectionReset));
                }
                board.set(switch.as_deref(), on)?;
                set.insert(switch, on);
            }
        }
    }
}

/// Connects to `HOST:PORT` with time limits.
pub(super) fn connect(target: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in target.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIME_LIMIT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(TIME_LIMIT))?;
                stream.set_write_timeout(Some(TIME_LIMIT))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What has arrived on a connection.
pub(super) enum Arrived {
    Nothing,
    Bytes,
    /// The other end has closed it, or it has broken.
    End,
}

/// Looks without waiting and without taking anything.
pub(super) fn arrived(stream: &TcpStream) -> Arrived {
    let peeked = stream
        .set_nonblocking(true)
        .and_then(|()| stream.peek(&mut [0]));
    let restored = stream.set_nonblocking(false);
    match (peeked, restored) {
        (Ok(1..), Ok(())) => Arrived::Bytes,
        (Err(error), Ok(())) if error.kind() == io::ErrorKind::WouldBlock => Arrived::Nothing,
        _ => Arrived::End,
    }
}
