//! One more connection per stream, whose last will is `voice` `OFF`. A connection has one will only, and that of the
//! main one is the status; so after a crash or a cut cable the broker itself clears `voice`.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::publish::mqtt::Shared;
use crate::publish::mqtt::error::LinkError;
use crate::publish::mqtt::link::{Link, LinkEvent};
use crate::publish::mqtt::messages::Messages;
use crate::publish::mqtt::publication::Publication;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(10);
/// After so many attempts in a row that failed although the main connection holds, this is logged.
const FAILURES_LOGGED: u32 = 3;

/// Keeps a guard for every stream, until the main connection is `closed` in order.
pub async fn keep_all(link: &Link, shared: &Arc<Shared>, closed: &watch::Receiver<bool>) {
    let mut guards = tokio::task::JoinSet::new();
    let mut guarded = 0;
    loop {
        let changed = shared.streams_changed.notified();
        let wills = shared.lock().messages.voices_off(guarded);
        guarded += wills.len();
        for (stream, will) in wills {
            let guard = Guard {
                link: link.guarding(&will),
                shared: Arc::clone(shared),
                stream,
                closed: closed.clone(),
                known: false,
            };
            guards.spawn_local(guard.keep());
        }
        let mut over = closed.clone();
        tokio::select! {
            () = changed => {}
            _ = over.wait_for(|over| *over) => break,
        }
    }
    while guards.join_next().await.is_some() {}
}

struct Guard {
    link: Link,
    shared: Arc<Shared>,
    stream: String,
    closed: watch::Receiver<bool>,
    /// A connection was accepted before.
    known: bool,
}

impl Guard {
    async fn keep(mut self) {
        let (mut wait, mut failures) = (FIRST_WAIT, 0);
        loop {
            // While the broker is away, the main connection tries and logs.
            if self.shared.is_connected() {
                let (held, result) = self.hold().await;
                let Err(error) = result else { return };
                if held {
                    (wait, failures) = (FIRST_WAIT, 0);
                }
                failures += 1;
                if failures == FAILURES_LOGGED {
                    tracing::warn!(
                        "MQTT broker {}: the connection that clears `voice` of {} after a crash fails: {error}; \
                         publish.mqtt.voice_will = false turns it off",
                        self.link.name(),
                        self.stream
                    );
                }
                wait = (2 * wait).min(LAST_WAIT);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = self.closed.wait_for(|over| *over) => return,
                () = self.shared.reconnected.notified() => {}
            }
        }
    }

    /// One connection: whether it was accepted, and its end, `Ok` if it was closed in order.
    async fn hold(&mut self) -> (bool, Result<(), LinkError>) {
        let (client, mut connection) = self.link.open();
        let (mut connected, mut closing) = (false, false);
        loop {
            let mut poll = pin!(connection.poll(&self.link, connected));
            let event = loop {
                tokio::select! {
                    event = &mut poll => break event,
                    _ = self.closed.wait_for(|over| *over), if !closing => {
                        closing = true;
                        if !connected || !client.disconnect() {
                            return (connected, Ok(()));
                        }
                    }
                }
            };
            match event {
                Ok(LinkEvent::Connected) => {
                    connected = true;
                    // The broker may have replaced the lost connection only now, and cleared `voice`.
                    if std::mem::replace(&mut self.known, true) {
                        self.shared.repeat_voice(&self.stream);
                    }
                }
                Ok(LinkEvent::Closed) => return (connected, Ok(())),
                Ok(LinkEvent::Acknowledged { .. } | LinkEvent::Received(_) | LinkEvent::Other) => {}
                Err(error) => {
                    // The will was published, although the voice may go on.
                    if connected {
                        self.shared.repeat_voice(&self.stream);
                    }
                    return (connected, Err(error));
                }
            }
        }
    }
}

impl Messages {
    /// The wills of the streams beyond the first `known`, in the order in which they were added.
    fn voices_off(&mut self, known: usize) -> Vec<(String, Publication)> {
        let new: Vec<String> = self.order.iter().skip(known).cloned().collect();
        let will = |stream: String| {
            let off = self.voice(&stream, false);
            (stream, off)
        };
        new.into_iter().map(will).collect()
    }
}
