//! MQTT: what is true now in retained topics, what happens in events.
//!
//! Under `PREFIX/STREAM`: `/voice` (`ON` or `OFF`) and `/state` (the `state` message), both retained; `/event`
//! (`onset`, `offset` and `gap` messages); `/p`, where a rate is set. `PREFIX/status` is `online` while
//! these are kept up to date and `offline` when they are not, by the last will if need be.

mod fault;
mod link;
mod messages;
mod outbox;
mod tls;

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use crate::config::{ConfigError, MqttConfig};
use crate::publish::hub::{Published, Sink};
use link::{Client, Heard, Link, WINDOW};
pub use messages::{Kind, Messages, Publication, topic_level};
use outbox::Outbox;

/// From one try to the next; twice as long after each, up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(10);
/// At the end of the run the broker has this long to take what is left.
const END_PATIENCE: Duration = Duration::from_millis(1500);

/// What is wrong with what MQTT was told to use.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("MQTT: {path}: {reason}")]
    File { path: String, reason: String },
    #[error("MQTT: {0}")]
    Tls(String),
    #[error("no thread for MQTT: {0}")]
    Thread(#[from] io::Error),
}

impl MqttError {
    fn file(path: &str, reason: &str) -> Self {
        Self::File {
            path: path.into(),
            reason: reason.into(),
        }
    }
}

/// Hands messages to a thread that keeps the connection.
pub struct Mqtt {
    shared: Arc<Shared>,
    /// When the thread must be done at the latest; None until the end.
    end_by: watch::Sender<Option<Instant>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    messages: Messages,
    outbox: Outbox,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mqtt {
    /// Reads password and certificates and starts the thread. The broker need not be there.
    /// `queue_messages` events wait for it.
    pub fn start(config: &MqttConfig, queue_messages: usize) -> Result<Self, MqttError> {
        let link = Link::new(config)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                messages: Messages::new(config),
                outbox: Outbox::new(queue_messages),
            }),
            changed: Notify::new(),
        });
        let (end_by, ending) = watch::channel(None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new().name("mqtt".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(&link, &shared, ending.clone()) => {}
                        () = too_late(ending) => {
                            tracing::warn!("MQTT broker {}: it was not told of the end", link.name());
                        }
                    }
                });
                // A name that is still being looked up is not waited for.
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

    /// Never an error, and never waits: a broker that is not there is come back to.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        let mut state = self.shared.lock();
        let State {
            messages: topics,
            outbox,
        } = &mut *state;
        for message in messages {
            topics.of(message).into_iter().for_each(|p| outbox.push(p));
        }
        self.shared.changed.notify_one();
        Ok(())
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
    // An error says that the sender is gone, which waits for this thread before it goes.
    let end_by = ending
        .wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|end| *end);
    if let Some(end_by) = end_by {
        tokio::time::sleep_until(end_by.into()).await;
    }
}

/// Connects, again and again, until the end.
async fn serve(link: &Link, shared: &Shared, mut ending: watch::Receiver<Option<Instant>>) {
    let mut wait = FIRST_WAIT;
    let mut told = None;
    loop {
        let mut conversation = Conversation::new(link, shared, &ending);
        let ended = conversation.hold(&mut told).await;
        let lasted = conversation.lasted();
        conversation.take_back();
        let fault = match ended {
            Ok(()) => return,
            Err(fault) => fault,
        };
        // Once for every change of what is wrong, not for every try.
        if told.as_ref() != Some(&fault) {
            tracing::warn!("MQTT broker {}: {fault}; it is tried on", link.name());
            told = Some(fault);
        }
        // One that lets us in and throws us out at once is not pressed.
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

/// One connection, from the try to its end.
struct Conversation<'a> {
    link: &'a Link,
    shared: &'a Shared,
    ending: &'a watch::Receiver<Option<Instant>>,
    connected: Option<Instant>,
    /// Not acknowledged yet. The broker does so in order.
    sent: VecDeque<Publication>,
    said_goodbye: bool,
    refusal_told: bool,
}

impl<'a> Conversation<'a> {
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
            said_goodbye: false,
            refusal_told: false,
        }
    }

    fn lasted(&self) -> Duration {
        self.connected
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Until the end of the run (Ok), or until something breaks.
    async fn hold(&mut self, told: &mut Option<String>) -> Result<(), String> {
        let (client, mut wire) = self.link.open();
        loop {
            self.send(&client);
            let heard = {
                let mut poll = pin!(wire.poll(self.link, self.connected.is_some()));
                loop {
                    tokio::select! {
                        heard = &mut poll => break heard?,
                        () = self.shared.changed.notified() => self.send(&client),
                    }
                }
            };
            match heard {
                Heard::Connected => {
                    self.connected = Some(Instant::now());
                    self.tell_connected(told.take().is_some());
                }
                Heard::Acknowledged { refused } => {
                    let publication = self.sent.pop_front();
                    if let (Some(reason), Some(publication)) = (refused, publication) {
                        self.tell_refused(&publication.topic, &reason);
                    }
                }
                Heard::Closed => return Ok(()),
                Heard::Other => {}
            }
        }
    }

    /// Hands on what waits, as far as there is room; at the end, when all has arrived, says good-bye.
    fn send(&mut self, client: &Client) {
        if self.connected.is_none() || self.said_goodbye {
            return;
        }
        let mut state = self.shared.lock();
        let State { messages, outbox } = &mut *state;
        while self.sent.len() < WINDOW {
            let Some(publication) = outbox.take(|| messages.present()) else {
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
            self.said_goodbye = client.disconnect();
        }
    }

    /// What did not arrive waits for the next connection.
    fn take_back(self) {
        self.shared.lock().outbox.put_back(self.sent.into_iter());
    }

    fn tell_connected(&self, was_away: bool) {
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

    fn tell_refused(&mut self, topic: &str, reason: &str) {
        if !std::mem::replace(&mut self.refusal_told, true) {
            tracing::warn!(
                "MQTT broker {}: it takes nothing for {topic} ({reason}); this is not said again",
                self.link.name()
            );
        }
    }
}
