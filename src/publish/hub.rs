//! The hub: every message to every sink. Each sink has a bounded queue and a thread of its own, so a slow one delays
//! neither the others nor the detector.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use vocald_client::message::{
    ALL_STREAMS, Hello, Sink as SinkChange, SinkState, SinkStatus, StreamSettings, Thresholds,
    Version,
};
use vocald_client::{Message, Subscription};

use crate::publish::filter::Filter;
pub use crate::publish::published::Published;
pub use crate::publish::queue::Delivery;
use crate::publish::queue::Queue;
use crate::publish::sink_thread::{Reporter, run};
use crate::publish::snapshot::Snapshot;

/// Events of sinks that are kept for [`Hub::ends`] and [`Hub::changes`]; more are dropped.
const EVENTS_KEPT: usize = 64;
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

    /// Whether it delivers at present, and if not, why, in one sentence.
    fn state(&self) -> (SinkState, Option<String>) {
        (SinkState::Running, None)
    }
}

/// A sink of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkId(u64);

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
    /// Precision of inference: `float32`, `bfloat16` or `float16`.
    pub precision: String,
    /// Look-aheads that the model offers, longest first.
    pub horizons_s: Vec<f64>,
    /// Look-ahead of the published decisions.
    pub lookahead_s: f64,
    /// Time from one decision to the next.
    pub hop_s: f64,
    /// Thresholds of speech, if the model has an output for it.
    pub speech_thresholds: Option<Thresholds>,
}

/// Distributes messages to sinks, and knows the state of every stream for the `hello` of new ones.
pub struct Hub {
    shared: Arc<Shared>,
    ended: Sender<SinkEnd>,
    ends: Receiver<SinkEnd>,
    changed: Sender<(SinkId, SinkStatus)>,
    changes: Receiver<(SinkId, SinkStatus)>,
    next_id: AtomicU64,
}

/// What the threads of sinks need too.
struct Shared {
    inner: Mutex<Inner>,
}

struct Inner {
    snapshot: Snapshot,
    sinks: Vec<Attached>,
}

struct Attached {
    id: SinkId,
    name: String,
    filter: Filter,
    queue: Arc<Queue<Arc<Published>>>,
    thread: JoinHandle<()>,
}

impl Hub {
    /// Without streams and sinks.
    pub fn new(facts: HelloFacts) -> Self {
        let (ended, ends) = crossbeam_channel::bounded(EVENTS_KEPT);
        let (changed, changes) = crossbeam_channel::bounded(EVENTS_KEPT);
        let inner = Inner {
            snapshot: Snapshot::new(facts.hello()),
            sinks: Vec::new(),
        };
        Self {
            shared: Arc::new(Shared {
                inner: Mutex::new(inner),
            }),
            ended,
            ends,
            changed,
            changes,
            next_id: AtomicU64::new(0),
        }
    }

    /// With these thresholds in `hello`.
    #[must_use]
    pub fn with_thresholds(self, thresholds: Thresholds) -> Self {
        self.shared.lock().snapshot.hello_mut().thresholds = Some(thresholds);
        self
    }

    /// Publishes `hello` with other facts and without the streams that `keep` refuses.
    pub fn renew(&self, facts: HelloFacts, thresholds: Thresholds, keep: impl Fn(&str) -> bool) {
        let hello = {
            let mut inner = self.shared.lock();
            let hello = inner.snapshot.hello_mut();
            let mut renewed = Hello {
                thresholds: Some(thresholds),
                streams: std::mem::take(&mut hello.streams),
                sinks: std::mem::take(&mut hello.sinks),
                locked: hello.locked,
                ..facts.hello()
            };
            renewed.streams.retain(|status| keep(&status.stream));
            *hello = renewed.clone();
            renewed
        };
        self.publish(Message::Hello(hello));
    }

    /// Adds a stream, if it is new, with its settings.
    pub fn add_stream_with(&self, stream: &str, settings: StreamSettings) {
        self.shared.lock().snapshot.set_settings(stream, settings);
    }

    /// Adds a stream, in the state `starting`, to the `hello` of later sinks. One that is known is left as it is.
    pub fn add_stream(&self, stream: &str) {
        self.shared.lock().snapshot.add(stream);
    }

    /// Starts a sink. Its first message is `hello`; from then on it gets everything.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn attach(&self, sink: impl Sink, delivery: Delivery) -> io::Result<SinkId> {
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
    ) -> io::Result<SinkId> {
        let queue = Arc::new(Queue::new(delivery));
        let id = SinkId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let name = {
            let mut inner = self.shared.lock();
            inner.sinks.retain(|sink| !sink.thread.is_finished());
            inner.free_name(sink.name())
        };
        self.publish(sink_message(&name, SinkState::Running));
        let mut inner = self.shared.lock();
        let hello = Message::Hello(inner.snapshot.hello().clone());
        queue.push(Arc::new(Published::new(hello)));
        let thread = std::thread::Builder::new()
            .name(format!("sink {name}"))
            .spawn({
                let (queue, ended, name) = (Arc::clone(&queue), self.ended.clone(), name.clone());
                let shared = Arc::clone(&self.shared);
                let mut reporter = Reporter::new(id, &name, self.changed.clone());
                move || {
                    let hello =
                        || Published::new(Message::Hello(shared.lock().snapshot.hello().clone()));
                    let error = run(sink, &mut reporter, &queue, hello).err();
                    if let Some(error) = &error {
                        reporter.report((SinkState::Failed, Some(error.to_string())));
                    }
                    // Full, or without a hub: nobody needs it.
                    let _ = ended.try_send(SinkEnd { name, error });
                }
            })?;
        inner.sinks.push(Attached {
            id,
            name,
            filter: Filter::new(subscription),
            queue,
            thread,
        });
        Ok(id)
    }

    /// Lets a sink deliver what it has, `patience` at most, and ends it. One that is still busy then is left behind.
    pub fn detach(&self, id: SinkId, patience: Duration) {
        let mut inner = self.shared.lock();
        let Some(place) = inner.sinks.iter().position(|sink| sink.id == id) else {
            return;
        };
        let sink = inner.sinks.remove(place);
        drop(inner);
        self.publish(sink_message(&sink.name, SinkState::Ended));
        sink.queue.finish();
        wait_for(&sink.thread, Instant::now() + patience);
    }

    /// Chooses other messages for a sink, from the next one on.
    pub fn resubscribe(&self, id: SinkId, subscription: Subscription) {
        let mut inner = self.shared.lock();
        if let Some(sink) = inner.sinks.iter_mut().find(|sink| sink.id == id) {
            sink.filter = Filter::new(subscription);
        }
    }

    /// The running sinks, each with the number of messages that wait for it.
    pub fn queues(&self) -> Vec<(String, usize)> {
        let inner = self.shared.lock();
        let running = inner.sinks.iter().filter(|s| !s.thread.is_finished());
        running
            .map(|sink| (sink.name.clone(), sink.queue.len()))
            .collect()
    }

    /// Publishes a change of the state of a sink, unless the sink was detached meanwhile.
    pub fn publish_change(&self, (id, status): (SinkId, SinkStatus)) {
        let is_attached = self.shared.lock().sinks.iter().any(|sink| sink.id == id);
        if is_attached {
            self.publish(Message::Sink(SinkChange {
                v: Version,
                stream: ALL_STREAMS.into(),
                status,
            }));
        }
    }

    /// The changes of the state of sinks, as they happen, for [`Hub::publish_change`].
    pub fn changes(&self) -> &Receiver<(SinkId, SinkStatus)> {
        &self.changes
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
            inner.snapshot.update(&message);
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
            match sink.queue.is_lossless() {
                true => _ = sink.thread.join(),
                false => wait_for(&sink.thread, deadline),
            }
        }
    }

    /// The `hello` of a sink that is attached now.
    pub fn hello(&self) -> Hello {
        self.shared.lock().snapshot.hello().clone()
    }
}

impl HelloFacts {
    /// Whether `hello` has the same.
    pub fn are_in(&self, hello: &Hello) -> bool {
        let same = self.clone().hello();
        same.model == hello.model
            && (same.device, same.precision) == (hello.device.clone(), hello.precision.clone())
            && same.horizons == hello.horizons
            && same.lookahead == hello.lookahead
            && same.speech_thresholds == hello.speech_thresholds
    }

    /// Without streams and sinks.
    fn hello(self) -> Hello {
        Hello {
            v: Version,
            stream: ALL_STREAMS.into(),
            version: crate::VERSION.into(),
            model: self.model,
            device: self.device,
            precision: self.precision,
            horizons: self.horizons_s,
            lookahead: self.lookahead_s,
            hop: self.hop_s,
            thresholds: None,
            speech_thresholds: self.speech_thresholds,
            streams: Vec::new(),
            sinks: Vec::new(),
            locked: false,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// `name`, with a number if another sink has it: names are keys of the messages about them.
    fn free_name(&self, name: String) -> String {
        let is_taken = |name: &String| self.sinks.iter().any(|sink| sink.name == *name);
        let mut names = (2..).map(|number| format!("{name} {number}"));
        match is_taken(&name) {
            true => names.find(|name| !is_taken(name)).unwrap_or_default(),
            false => name,
        }
    }
}

fn sink_message(name: &str, state: SinkState) -> Message {
    Message::Sink(SinkChange {
        v: Version,
        stream: ALL_STREAMS.into(),
        status: SinkStatus {
            sink: name.into(),
            state,
            reason: None,
        },
    })
}

fn wait_for(thread: &JoinHandle<()>, deadline: Instant) {
    while !thread.is_finished() && Instant::now() < deadline {
        std::thread::sleep(FINISH_POLL);
    }
}
