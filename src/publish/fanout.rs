//! One sink for the many clients of a server: a bounded ring that each client reads at its own pace. One
//! that is slower than the ring turns loses its own oldest messages and is told how many.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use crate::publish::filter::Filter;
use crate::publish::hub::{Published, Sink};
use crate::publish::snapshot::Snapshot;
use vocald_client::Message;
use vocald_client::Subscription;
use vocald_client::message::{ALL_STREAMS, Hello, Lagged, Version};

/// What is handed to the hub. When it is dropped, its subscribers come to their end.
pub struct Fanout {
    name: String,
    shared: Arc<Shared>,
}

/// Where a server's clients subscribe.
#[derive(Clone)]
pub struct Subscriptions {
    shared: Arc<Shared>,
}

type Shared = Mutex<State>;

struct State {
    hello: Hello,
    present: Snapshot,
    /// None once nothing more will come.
    sender: Option<broadcast::Sender<Arc<Published>>>,
}

/// `hello` is what the hub says now; `capacity` messages are kept for slow clients.
pub fn fanout(name: String, hello: Hello, capacity: usize) -> (Fanout, Subscriptions) {
    let (sender, _) = broadcast::channel(capacity.max(1));
    let shared = Arc::new(Mutex::new(State {
        present: Snapshot::new(hello.streams.clone()),
        hello,
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

impl State {
    fn hello(&self) -> Hello {
        Hello {
            streams: self.present.streams().to_vec(),
            ..self.hello.clone()
        }
    }
}

impl Sink for Fanout {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        let mut state = lock(&self.shared);
        for published in messages {
            if let Message::Hello(hello) = &published.message {
                state.present = Snapshot::new(hello.streams.clone());
                continue;
            }
            state.present.remember(&published.message);
            if let Some(sender) = &state.sender {
                // Without subscribers nobody misses it.
                let _ = sender.send(Arc::clone(published));
            }
        }
        Ok(())
    }
}

impl Drop for Fanout {
    fn drop(&mut self) {
        lock(&self.shared).sender = None;
    }
}

impl Subscriptions {
    /// How things stand now.
    pub fn hello(&self) -> Hello {
        lock(&self.shared).hello()
    }

    /// From `hello` on, everything that `subscription` chooses. None when nothing more will come.
    pub fn subscribe(&self, subscription: Subscription) -> Option<Subscriber> {
        let state = lock(&self.shared);
        Some(Subscriber {
            receiver: state.sender.as_ref()?.subscribe(),
            hello: Some(Arc::new(Published::new(Message::Hello(state.hello())))),
            filter: Filter::new(subscription),
        })
    }

    /// Waits until nothing more will come.
    pub async fn closed(&self) {
        let Some(mut receiver) = lock(&self.shared).sender.as_ref().map(|s| s.subscribe()) else {
            return;
        };
        while !matches!(receiver.recv().await, Err(RecvError::Closed)) {}
    }
}

/// One client's view of the messages.
pub struct Subscriber {
    hello: Option<Arc<Published>>,
    receiver: broadcast::Receiver<Arc<Published>>,
    filter: Filter,
}

impl Subscriber {
    /// Chooses anew, from the next message on.
    pub fn choose(&mut self, subscription: Subscription) {
        self.filter = Filter::new(subscription);
    }

    /// The next message; None when nothing more will come. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Arc<Published>> {
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        loop {
            let message = match self.receiver.recv().await {
                Ok(published) => self.filter.pass(&published),
                Err(RecvError::Lagged(lost)) => Some(lagged(lost)),
                Err(RecvError::Closed) => return None,
            };
            if message.is_some() {
                return message;
            }
        }
    }

    /// The next message where one waits already.
    pub fn waiting(&mut self) -> Option<Arc<Published>> {
        loop {
            let message = match self.receiver.try_recv() {
                Ok(published) => self.filter.pass(&published),
                Err(TryRecvError::Lagged(lost)) => Some(lagged(lost)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            };
            if message.is_some() {
                return message;
            }
        }
    }
}

fn lagged(lost: u64) -> Arc<Published> {
    Arc::new(Published::new(Message::Lagged(Lagged {
        v: Version,
        stream: ALL_STREAMS.into(),
        lost,
    })))
}
