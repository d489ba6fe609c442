//! The MQTT sink: retained topics for the present, events as they happen.
//!
//! Below `PREFIX/STREAM`: `/voice` and `/speech` (`ON` or `OFF`) and `/state` (the `state` message), retained; `/event`
//! (`onset`, `offset` and `gap` messages); `/p`, if a rate is set. `PREFIX/status` is `online` while these are kept up
//! to date, and `offline` afterwards, by the last will if need be; the flags are `OFF` then, by the wills of `guard`.
//! `PREFIX/CLIENT/retained` lists the retained topics of a client.

mod discovery;
mod error;
mod flag;
mod guard;
mod link;
mod messages;
mod outbox;
mod publication;
mod retained;
mod tls;

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use vocald_client::message::SinkState;

use crate::config::MqttConfig;
use crate::publish::hub::{Published, Sink};
use crate::restarts::Restarts;
use error::LinkError;
pub use error::MqttError;
use flag::Flag;
use link::{Client, Link, LinkEvent, WINDOW};
pub use messages::Messages;
use outbox::Outbox;
pub use publication::{Kind, Publication, topic_level};

/// Wait before the second attempt to connect; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait between attempts.
const LAST_WAIT: Duration = Duration::from_secs(10);
/// Time for the broker to take what is left at the end of the run.
const END_PATIENCE: Duration = Duration::from_millis(1500);

/// The sink, and the thread that keeps the connection.
pub struct Mqtt {
    shared: Arc<Shared>,
    /// Deadline of the thread; `None` until the end of the run.
    end_by: watch::Sender<Option<Instant>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to send, or to end.
    changed: Notify,
    /// There may be a flag more.
    flags_changed: Notify,
    /// The main connection was accepted.
    reconnected: Notify,
}

struct State {
    messages: Messages,
    outbox: Outbox,
    connected: bool,
    /// Why there is no connection; `None` while the first one is tried.
    problem: Option<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_connected(&self) -> bool {
        self.lock().connected
    }

    /// Publishes a flag of `stream` again, if it is set.
    fn repeat_flag(&self, stream: &str, flag: Flag) {
        let mut state = self.lock();
        if let Some(present) = state.messages.present_flag(stream, flag) {
            state.outbox.push(present);
            self.changed.notify_one();
        }
    }
}

impl Mqtt {
    /// Checks the settings, the password and the certificates.
    ///
    /// # Errors
    ///
    /// If a setting or file cannot be used.
    pub fn check(config: &MqttConfig) -> Result<(), MqttError> {
        Link::new(config).map(drop)
    }

    /// Reads password and certificates and starts the thread. The broker need not be running; `queue_messages` events
    /// wait for it.
    ///
    /// # Errors
    ///
    /// If a setting or file cannot be used, or the system gives no thread.
    pub fn start(config: &MqttConfig, queue_messages: usize) -> Result<Self, MqttError> {
        let link = Link::new(config)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                messages: Messages::new(config),
                outbox: Outbox::new(queue_messages),
                connected: false,
                problem: None,
            }),
            changed: Notify::new(),
            flags_changed: Notify::new(),
            reconnected: Notify::new(),
        });
        let guards = config.voice_will;
        let (end_by, ending) = watch::channel(None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new().name("mqtt".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let mut restarts = Restarts::default();
                let run = || tokio::task::LocalSet::new().block_on(&runtime, async {
                    let (close, closed) = watch::channel(false);
                    let main = async {
                        serve(&link, &shared, ending.clone()).await;
                        close.send_replace(true);
                    };
                    let guards = async {
                        if guards {
                            guard::keep_all(&link, &shared, &closed).await;
                        }
                    };
                    tokio::select! {
                        _ = async { tokio::join!(main, guards) } => {}
                        () = too_late(ending.clone()) => {
                            tracing::warn!("MQTT broker {}: the end of the run was not published", link.name());
                        }
                    }
                });
                while catch_unwind(AssertUnwindSafe(run)).is_err() {
                    shared.lock().connected = false;
                    let Some(wait) = restarts.next_wait() else { break };
                    tracing::error!("the MQTT thread panicked; it is restarted");
                    std::thread::sleep(wait);
                }
                // Does not wait for a name lookup.
                runtime.shutdown_background();
            }
        })?;
        Ok(Self {
            shared,
            end_by,
            thread: Some(thread),
        })
    }
}

impl Sink for Mqtt {
    fn name(&self) -> String {
        "MQTT".into()
    }

    /// Never blocks: a broker that is away is tried again. An error if the thread panicked again and again.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(io::Error::other(
                "its thread panicked again and again; see the log above",
            ));
        }
        let mut state = self.shared.lock();
        let State {
            messages: topics,
            outbox,
            ..
        } = &mut *state;
        let known = topics.flag_count();
        for message in messages {
            topics.of(message).into_iter().for_each(|p| outbox.push(p));
        }
        if topics.flag_count() > known {
            let descriptions = topics.descriptions();
            descriptions.into_iter().for_each(|p| outbox.push(p));
        }
        self.shared.changed.notify_one();
        self.shared.flags_changed.notify_one();
        Ok(())
    }

    fn state(&self) -> (SinkState, Option<String>) {
        let state = self.shared.lock();
        match (state.connected, &state.problem) {
            (false, Some(problem)) => (SinkState::Waiting, Some(problem.clone())),
            _ => (SinkState::Running, None),
        }
    }
}

impl Drop for Mqtt {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            let offline = state.messages.go_offline();
            state.outbox.push(offline);
        }
        self.end_by
            .send_replace(Some(Instant::now() + END_PATIENCE));
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn too_late(mut ending: watch::Receiver<Option<Instant>>) {
    // The sender outlives this thread, so there is no error.
    let end_by = ending
        .wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|end| *end);
    if let Some(end_by) = end_by {
        tokio::time::sleep_until(end_by.into()).await;
    }
}

/// Connects again and again until the end of the run.
async fn serve(link: &Link, shared: &Shared, mut ending: watch::Receiver<Option<Instant>>) {
    let mut wait = FIRST_WAIT;
    let mut reported = None;
    loop {
        let mut session = Session::new(link, shared, &ending);
        let ended = session.hold(&mut reported).await;
        let lasted = session.lasted();
        session.take_back();
        let Err(error) = ended else {
            shared.lock().connected = false;
            return;
        };
        {
            let mut state = shared.lock();
            state.connected = false;
            state.problem = Some(format!("broker {}: {error}", link.name()));
        }
        // One log line per new error, not per attempt.
        if reported.as_ref() != Some(&error) {
            tracing::warn!("MQTT broker {}: {error}; retrying", link.name());
            reported = Some(error);
        }
        // A broker that closes every connection at once keeps the growing wait.
        if lasted > LAST_WAIT {
            wait = FIRST_WAIT;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = ending.wait_for(Option::is_some) => return,
        }
        wait = (2 * wait).min(LAST_WAIT);
    }
}

/// One connection, from the attempt to its end.
struct Session<'a> {
    link: &'a Link,
    shared: &'a Shared,
    ending: &'a watch::Receiver<Option<Instant>>,
    connected: Option<Instant>,
    /// Unacknowledged. The broker acknowledges in order.
    sent: VecDeque<Publication>,
    disconnecting: bool,
    refusal_logged: bool,
}

impl<'a> Session<'a> {
    fn new(
        link: &'a Link,
        shared: &'a Shared,
        ending: &'a watch::Receiver<Option<Instant>>,
    ) -> Self {
        Self {
            link,
            shared,
            ending,
            connected: None,
            sent: VecDeque::new(),
            disconnecting: false,
            refusal_logged: false,
        }
    }

    fn lasted(&self) -> Duration {
        self.connected
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Until the end of the run (`Ok`), or an error.
    async fn hold(&mut self, reported: &mut Option<LinkError>) -> Result<(), LinkError> {
        let (client, mut connection) = self.link.open();
        loop {
            self.send(&client);
            let event = {
                let mut poll = pin!(connection.poll(self.link, self.connected.is_some()));
                loop {
                    tokio::select! {
                        event = &mut poll => break event?,
                        () = self.shared.changed.notified() => self.send(&client),
                    }
                }
            };
            match event {
                LinkEvent::Connected => {
                    self.connected = Some(Instant::now());
                    client.subscribe(self.link.retained_list());
                    self.shared.lock().connected = true;
                    self.shared.reconnected.notify_waiters();
                    self.log_connected(reported.take().is_some());
                }
                LinkEvent::Acknowledged { refused } => {
                    let publication = self.sent.pop_front();
                    if let (Some(reason), Some(publication)) = (refused, publication) {
                        self.log_refused(&publication.topic, &reason);
                    }
                }
                LinkEvent::Received(payload) => {
                    let mut state = self.shared.lock();
                    let cleared = state.messages.take_earlier(&payload);
                    cleared.into_iter().for_each(|p| state.outbox.push(p));
                }
                LinkEvent::Closed => return Ok(()),
                LinkEvent::Other => {}
            }
        }
    }

    /// Sends what waits, as far as there is room. At the end of the run, when all has arrived, disconnects.
    fn send(&mut self, client: &Client) {
        if self.connected.is_none() || self.disconnecting {
            return;
        }
        let mut state = self.shared.lock();
        let State {
            messages, outbox, ..
        } = &mut *state;
        while self.sent.len() < WINDOW {
            let Some(publication) = outbox.take(|| messages.retained()) else {
                break;
            };
            if !client.publish(&publication) {
                outbox.untake(publication);
                break;
            }
            if publication.kind != Kind::Momentary {
                self.sent.push_back(publication);
            }
        }
        let ending = self.ending.borrow().is_some();
        if ending && outbox.is_empty() && self.sent.is_empty() {
            self.disconnecting = client.disconnect();
        }
    }

    /// Keeps what did not arrive for the next connection.
    fn take_back(self) {
        self.shared.lock().outbox.put_back(self.sent.into_iter());
    }

    fn log_connected(&self, was_away: bool) {
        let lost = self.shared.lock().outbox.take_lost_events();
        if lost > 0 {
            tracing::warn!(
                "MQTT broker {}: {lost} events were lost while it was away",
                self.link.name()
            );
        }
        let again = if was_away { " again" } else { "" };
        tracing::info!("MQTT broker {}: connected{again}", self.link.name());
    }

    fn log_refused(&mut self, topic: &str, reason: &str) {
        if !std::mem::replace(&mut self.refusal_logged, true) {
            tracing::warn!(
                "MQTT broker {}: it refuses {topic} ({reason}); further refusals are not logged",
                self.link.name()
            );
        }
    }
}
