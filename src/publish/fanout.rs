//! One sink for the many clients of a server: a bounded ring that each client reads at its own pace. A client that is
//! slower loses its oldest messages and gets their number in `lagged`.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use crate::publish::filter::Filter;
use crate::publish::hub::{Published, Sink};
use crate::publish::snapshot::Snapshot;
use vocald_client::message::Hello;
use vocald_client::{Message, Subscription};

/// The sink. When it is dropped, its subscribers end.
pub struct Fanout {
    name: String,
    shared: Arc<Shared>,
}

/// The server's end, where clients subscribe.
#[derive(Clone)]
pub struct Subscriptions {
    shared: Arc<Shared>,
}

type Shared = Mutex<State>;

struct State {
    snapshot: Snapshot,
    /// The first `hello` has come.
    begun: bool,
    /// `None` after the last message.
    sender: Option<broadcast::Sender<Arc<Published>>>,
}

/// A sink and its subscriptions. `hello`: the hub's at this moment; `capacity`: messages that are kept for slow
/// clients, at least 1.
pub fn fanout(name: String, hello: Hello, capacity: usize) -> (Fanout, Subscriptions) {
    let (sender, _) = broadcast::channel(capacity.max(1));
    let shared = Arc::new(Mutex::new(State {
        snapshot: Snapshot::new(hello),
        begun: false,
        sender: Some(sender),
    }));
    let subscriptions = Subscriptions {
        shared: Arc::clone(&shared),
    };
    (Fanout { name, shared }, subscriptions)
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink for Fanout {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        let mut state = lock(&self.shared);
        for published in messages {
            // The first, and one after a restart of this sink, are no news to the clients.
            let is_news = match &published.message {
                Message::Hello(hello) => {
                    std::mem::replace(&mut state.begun, true)
                        && is_another_run(state.snapshot.hello(), hello)
                }
                _ => true,
            };
            state.snapshot.update(&published.message);
            if !is_news {
                continue;
            }
            if let Some(sender) = &state.sender {
                // An error means that there are no subscribers.
                let _ = sender.send(Arc::clone(published));
            }
        }
        Ok(())
    }
}

/// Whether the model, the look-ahead or the list of streams differ, and not only states.
fn is_another_run(old: &Hello, new: &Hello) -> bool {
    let fixed = |hello: &Hello| Hello {
        streams: Vec::new(),
        sinks: Vec::new(),
        locked: false,
        ..hello.clone()
    };
    let names =
        |hello: &Hello| -> Vec<String> { hello.streams.iter().map(|s| s.stream.clone()).collect() };
    fixed(old) != fixed(new) || names(old) != names(new)
}

impl Drop for Fanout {
    fn drop(&mut self) {
        lock(&self.shared).sender = None;
    }
}

impl Subscriptions {
    /// The `hello` of a client that connects now.
    pub fn hello(&self) -> Hello {
        lock(&self.shared).snapshot.hello().clone()
    }

    /// A subscriber whose first message is `hello`; `None` after the last message.
    pub fn subscribe(&self, subscription: Subscription) -> Option<Subscriber> {
        let state = lock(&self.shared);
        Some(Subscriber {
            receiver: state.sender.as_ref()?.subscribe(),
            hello: Some(Arc::new(Published::new(Message::Hello(
                state.snapshot.hello().clone(),
            )))),
            filter: Filter::new(subscription),
        })
    }

    /// Waits for the end of the messages.
    pub async fn closed(&self) {
        let Some(mut receiver) = lock(&self.shared).sender.as_ref().map(|s| s.subscribe()) else {
            return;
        };
        while !matches!(receiver.recv().await, Err(RecvError::Closed)) {}
    }
}

/// The messages for one client.
pub struct Subscriber {
    hello: Option<Arc<Published>>,
    receiver: broadcast::Receiver<Arc<Published>>,
    filter: Filter,
}

impl Subscriber {
    /// Changes the subscription from the next message on.
    pub fn resubscribe(&mut self, subscription: Subscription) {
        self.filter = Filter::new(subscription);
    }

    /// The next message; `None` after the last. Cancel safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Arc<Published>> {
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        loop {
            let message = match self.receiver.recv().await {
                Ok(published) => self.filter.pass(&published),
                Err(RecvError::Lagged(lost)) => Some(Published::lagged(lost)),
                Err(RecvError::Closed) => return None,
            };
            if message.is_some() {
                return message;
            }
        }
    }

    /// The next message, if one waits.
    pub fn try_next(&mut self) -> Option<Arc<Published>> {
        loop {
            let message = match self.receiver.try_recv() {
                Ok(published) => self.filter.pass(&published),
                Err(TryRecvError::Lagged(lost)) => Some(Published::lagged(lost)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            };
            if message.is_some() {
                return message;
            }
        }
    }
}
