//! One more connection per flag of a stream, whose last will is `OFF`. A connection has one will only, and that of the
//! main one is the status; so after a crash or a cut cable the broker itself clears `voice` and `speech`.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::publish::mqtt::Shared;
use crate::publish::mqtt::error::LinkError;
use crate::publish::mqtt::flag::Flag;
use crate::publish::mqtt::link::{Link, LinkEvent};
use crate::publish::mqtt::messages::Messages;
use crate::publish::mqtt::publication::Publication;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(10);
/// After so many attempts in a row that failed although the main connection holds, this is logged.
const FAILURES_LOGGED: u32 = 3;

/// Keeps a guard for every flag, until the main connection is `closed` in order.
pub async fn keep_all(link: &Link, shared: &Arc<Shared>, closed: &watch::Receiver<bool>) {
    let mut guards = tokio::task::JoinSet::new();
    let mut guarded = 0;
    loop {
        let changed = shared.flags_changed.notified();
        let wills = shared.lock().messages.flags_off(guarded);
        guarded += wills.len();
        for (stream, flag, will) in wills {
            let guard = Guard {
                link: link.guarding(&will),
                shared: Arc::clone(shared),
                stream,
                flag,
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
    flag: Flag,
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
                        "MQTT broker {}: the connection that clears `{}` of {} after a crash fails: {error}; \
                         publish.mqtt.voice_will = false turns it off",
                        self.link.name(),
                        self.flag.level(),
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
                    // The broker may have replaced the lost connection only now, and cleared the flag.
                    if std::mem::replace(&mut self.known, true) {
                        self.shared.repeat_flag(&self.stream, self.flag);
                    }
                }
                Ok(LinkEvent::Closed) => return (connected, Ok(())),
                Ok(LinkEvent::Acknowledged { .. } | LinkEvent::Received(_) | LinkEvent::Other) => {}
                Err(error) => {
                    // The will was published, although the flag may still be set.
                    if connected {
                        self.shared.repeat_flag(&self.stream, self.flag);
                    }
                    return (connected, Err(error));
                }
            }
        }
    }
}

impl Messages {
    /// The wills of the flags beyond the first `known`, in the order in which they were added.
    fn flags_off(&mut self, known: usize) -> Vec<(String, Flag, Publication)> {
        let new: Vec<(String, Flag)> = self.order.iter().skip(known).cloned().collect();
        let will = |(stream, flag): (String, Flag)| {
            let off = self.flag(&stream, flag, false);
            (stream, flag, off)
        };
        new.into_iter().map(will).collect()
    }
}
