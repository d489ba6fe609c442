//! The hub: every message to every sink. Each sink has a bounded queue and a thread of its own, so a slow one delays
//! neither the others nor the detector.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use vocald_client::message::{ALL_STREAMS, Hello, Thresholds, Version};
use vocald_client::{Message, Subscription};

use crate::publish::filter::Filter;
pub use crate::publish::published::Published;
pub use crate::publish::queue::Delivery;
use crate::publish::queue::Queue;
use crate::publish::snapshot::Snapshot;
use crate::restarts::Restarts;

/// Messages that a sink gets in one call at most, so that a long backlog is not held twice.
const BATCH_MESSAGES: usize = 256;
/// Ends of sinks that are kept for [`Hub::ends`]; more are dropped.
const ENDS_KEPT: usize = 64;
/// Time between checks in [`Hub::finish`].
const FINISH_POLL: Duration = Duration::from_millis(5);

/// A receiver of messages. Runs on a thread of its own and may block.
pub trait Sink: Send + 'static {
    /// Name for people, as `stdout`.
    fn name(&self) -> String;

    /// Takes messages in the order of their publication.
    ///
    /// # Errors
    ///
    /// Ends the sink. `BrokenPipe` means that the other end has gone, which is no failure.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()>;
}

/// The end of a sink.
#[derive(Debug)]
pub struct SinkEnd {
    /// Of the sink.
    pub name: String,
    /// `None` if it was finished by [`Hub::finish`].
    pub error: Option<io::Error>,
}

/// The fixed part of `hello`.
#[derive(Debug, Clone, PartialEq)]
pub struct HelloFacts {
    /// Name of the model.
    pub model: String,
    /// Device of inference: `cpu` or `cuda:0`.
    pub device: String,
    /// Precision of inference: `float32` or `bfloat16`.
    pub precision: String,
    /// Look-aheads that the model offers, longest first.
    pub horizons_s: Vec<f64>,
    /// Look-ahead of the published decisions.
    pub lookahead_s: f64,
    /// Time from one decision to the next.
    pub hop_s: f64,
}

/// Distributes messages to sinks, and knows the state of every stream for the `hello` of new ones.
pub struct Hub {
    shared: Arc<Shared>,
    ended: Sender<SinkEnd>,
    ends: Receiver<SinkEnd>,
}

/// What the threads of sinks need too.
struct Shared {
    facts: HelloFacts,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    thresholds: Option<Thresholds>,
    streams: Snapshot,
    sinks: Vec<Attached>,
}

struct Attached {
    name: String,
    filter: Filter,
    queue: Arc<Queue<Arc<Published>>>,
    thread: JoinHandle<()>,
}

impl Hub {
    /// Without streams and sinks.
    pub fn new(facts: HelloFacts) -> Self {
        let (ended, ends) = crossbeam_channel::bounded(ENDS_KEPT);
        Self {
            shared: Arc::new(Shared {
                facts,
                inner: Mutex::default(),
            }),
            ended,
            ends,
        }
    }

    /// With these thresholds in `hello`.
    #[must_use]
    pub fn with_thresholds(self, thresholds: Thresholds) -> Self {
        self.shared.lock().thresholds = Some(thresholds);
        self
    }

    /// Adds a stream, in the state `starting`, to the `hello` of later sinks. One that is known is left as it is.
    pub fn add_stream(&self, stream: &str) {
        self.shared.lock().streams.add(stream);
    }

    /// Starts a sink. Its first message is `hello`; from then on it gets everything.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn attach(&self, sink: impl Sink, delivery: Delivery) -> io::Result<()> {
        self.subscribe(sink, delivery, Subscription::everything())
    }

    /// Starts a sink for some of the messages. The others never enter its queue.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn subscribe(
        &self,
        sink: impl Sink,
        delivery: Delivery,
        subscription: Subscription,
    ) -> io::Result<()> {
        let queue = Arc::new(Queue::new(delivery));
        let name = sink.name();
        let mut inner = self.shared.lock();
        let hello = Message::Hello(self.shared.hello_of(&inner));
        queue.push(Arc::new(Published::new(hello)));
        let thread = std::thread::Builder::new()
            .name(format!("sink {name}"))
            .spawn({
                let (queue, ended, name) = (Arc::clone(&queue), self.ended.clone(), name.clone());
                let shared = Arc::clone(&self.shared);
                move || {
                    let error = run(sink, &name, &queue, &shared).err();
                    // Full, or without a hub: nobody needs it.
                    let _ = ended.try_send(SinkEnd { name, error });
                }
            })?;
        inner.sinks.retain(|sink| !sink.thread.is_finished());
        inner.sinks.push(Attached {
            name,
            filter: Filter::new(subscription),
            queue,
            thread,
        });
        Ok(())
    }

    /// The running sinks, each with the number of messages that wait for it.
    pub fn queues(&self) -> Vec<(String, usize)> {
        let inner = self.shared.lock();
        let running = inner.sinks.iter().filter(|s| !s.thread.is_finished());
        running
            .map(|sink| (sink.name.clone(), sink.queue.len()))
            .collect()
    }

    /// The ends of sinks, as they happen.
    pub fn ends(&self) -> &Receiver<SinkEnd> {
        &self.ends
    }

    /// Hands `message` to every sink; waits only for those that are [`Delivery::Lossless`].
    pub fn publish(&self, message: Message) {
        if !message.is_finite() {
            tracing::error!(
                ?message,
                "a message with a number that is not finite is not published"
            );
            return;
        }
        let mut lossless = Vec::new();
        {
            let mut inner = self.shared.lock();
            inner.streams.update(&message);
            let published = Arc::new(Published::new(message));
            for sink in &mut inner.sinks {
                match sink.filter.pass(&published) {
                    Some(published) if sink.queue.is_lossless() => {
                        lossless.push((Arc::clone(&sink.queue), published));
                    }
                    Some(published) => sink.queue.push(published),
                    None => {}
                }
            }
        }
        // Outside the lock, so that a waiting sink does not delay those that drop.
        for (queue, published) in lossless {
            queue.push(published);
        }
    }

    /// Lets every sink deliver what it still has: [`Delivery::Lossless`] ones for as long as that takes, the others
    /// for at most `patience`. A sink that is still busy then is left behind.
    pub fn finish(&self, patience: Duration) {
        let sinks = std::mem::take(&mut self.shared.lock().sinks);
        for sink in &sinks {
            sink.queue.finish();
        }
        let deadline = Instant::now() + patience;
        for sink in sinks {
            let waits = sink.queue.is_lossless();
            while !sink.thread.is_finished() && (waits || Instant::now() < deadline) {
                std::thread::sleep(FINISH_POLL);
            }
        }
    }

    /// The `hello` of a sink that is attached now.
    pub fn hello(&self) -> Hello {
        self.shared.hello_of(&self.shared.lock())
    }
}

impl Shared {
    fn hello_of(&self, inner: &Inner) -> Hello {
        Hello {
            v: Version,
            stream: ALL_STREAMS.into(),
            version: crate::VERSION.into(),
            model: self.facts.model.clone(),
            device: self.facts.device.clone(),
            precision: self.facts.precision.clone(),
            horizons: self.facts.horizons_s.clone(),
            lookahead: self.facts.lookahead_s,
            hop: self.facts.hop_s,
            thresholds: inner.thresholds,
            streams: inner.streams.all().to_vec(),
            sinks: Vec::new(),
            locked: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delivers until the queue is finished or the sink fails, then closes the queue: nobody may wait for it any more.
/// After a panic the sink gets `hello` again and goes on.
fn run(
    mut sink: impl Sink,
    name: &str,
    queue: &Queue<Arc<Published>>,
    hub: &Shared,
) -> io::Result<()> {
    let mut restarts = Restarts::default();
    let mut batch = Vec::with_capacity(BATCH_MESSAGES + 1);
    let ended = loop {
        let delivered = catch_unwind(AssertUnwindSafe(|| {
            if !batch.is_empty() {
                sink.deliver(&batch)?;
                batch.clear();
            }
            while let Some(dropped) = queue.take(&mut batch, BATCH_MESSAGES) {
                if dropped > 0 {
                    batch.insert(0, Published::lagged(dropped));
                }
                sink.deliver(&batch)?;
                batch.clear();
            }
            Ok(())
        }));
        let Err(_) = delivered else {
            break delivered.unwrap_or(Ok(()));
        };
        let Some(wait) = restarts.next_wait() else {
            let reason = "its thread panicked again and again; see the log above";
            break Err(io::Error::other(reason));
        };
        tracing::error!("the sink {name} panicked; it is restarted");
        std::thread::sleep(wait);
        batch.clear();
        let hello = Message::Hello(hub.hello_of(&hub.lock()));
        batch.push(Arc::new(Published::new(hello)));
    };
    queue.close();
    ended
}
