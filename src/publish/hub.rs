//! Hands every message to every sink. Each sink has a bounded queue and a thread of its own, so a
//! slow one never holds up another, nor the detector.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use crate::publish::filter::Filter;
use crate::publish::snapshot::Snapshot;
use vocald_client::Message;
use vocald_client::Subscription;
use vocald_client::message::{ALL_STREAMS, Hello, Lagged, Thresholds, Version};

/// Messages a sink gets in one go at most, so that a long backlog is not held twice.
const BATCH_MESSAGES: usize = 256;
/// Ends of sinks that wait to be asked for; more are not kept.
const ENDS_KEPT: usize = 64;
/// How often `finish` looks whether the sinks are done.
const FINISH_POLL: Duration = Duration::from_millis(5);

/// A message on its way to the sinks, turned into JSON once for all that want it.
#[derive(Debug)]
pub struct Published {
    pub message: Message,
    json: OnceLock<String>,
}

impl Published {
    pub fn new(message: Message) -> Self {
        Self {
            message,
            json: OnceLock::new(),
        }
    }

    /// The message as one line, without the line's end.
    pub fn json(&self) -> &str {
        // The types hold nothing that JSON has no word for, so the error cannot come up.
        self.json
            .get_or_init(|| serde_json::to_string(&self.message).unwrap_or_default())
    }
}

/// Where messages go. Runs on a thread of its own and may block.
pub trait Sink: Send + 'static {
    /// For people, as `stdout`.
    fn name(&self) -> String;

    /// Takes messages in the order they were published. After an error the sink is dropped;
    /// `BrokenPipe` says that the other end has simply gone.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()>;
}

/// What happens when a sink is slower than the messages come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The sink loses its own oldest messages and is told how many: for everything live.
    DropOldest { capacity: usize },
    /// Publishing waits for the sink: only where the source can wait too.
    Lossless { capacity: usize },
}

/// A sink that is no more.
#[derive(Debug)]
pub struct SinkEnd {
    pub name: String,
    /// None where it had been told to finish and did.
    pub error: Option<io::Error>,
}

/// What `hello` says beside the states of the streams.
#[derive(Debug, Clone, PartialEq)]
pub struct HelloFacts {
    pub model: String,
    pub device: String,
    pub horizons_s: Vec<f64>,
    pub lookahead_s: f64,
    pub hop_s: f64,
}

pub struct Hub {
    facts: HelloFacts,
    thresholds: Option<Thresholds>,
    inner: Mutex<Inner>,
    ended: Sender<SinkEnd>,
    ends: Receiver<SinkEnd>,
}

#[derive(Default)]
struct Inner {
    present: Snapshot,
    sinks: Vec<Attached>,
}

struct Attached {
    name: String,
    filter: Filter,
    queue: Arc<Queue>,
    thread: JoinHandle<()>,
}

impl Hub {
    pub fn new(facts: HelloFacts) -> Self {
        let (ended, ends) = crossbeam_channel::bounded(ENDS_KEPT);
        Self {
            facts,
            thresholds: None,
            inner: Mutex::default(),
            ended,
            ends,
        }
    }

    /// Has `hello` tell where voice begins and ends.
    pub fn with_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = Some(thresholds);
        self
    }

    /// Makes a stream known to those who subscribe from now on, in the state `starting`.
    /// Naming a stream again changes nothing.
    pub fn add_stream(&self, stream: &str) {
        self.lock().present.add(stream);
    }

    /// Starts a sink. Its first message is `hello` with the present states, and from
    /// then on it gets everything that is published.
    pub fn attach(&self, sink: impl Sink, delivery: Delivery) -> io::Result<()> {
        self.subscribe(sink, delivery, Subscription::everything())
    }

    /// The same for a sink that wants some of it only. What it does not want never
    /// fills its queue.
    pub fn subscribe(
        &self,
        mut sink: impl Sink,
        delivery: Delivery,
        subscription: Subscription,
    ) -> io::Result<()> {
        let queue = Arc::new(Queue::new(delivery));
        let name = sink.name();
        let mut inner = self.lock();
        queue.push(Arc::new(Published::new(Message::Hello(
            self.hello_of(&inner),
        ))));
        let thread = std::thread::Builder::new()
            .name(format!("sink {name}"))
            .spawn({
                let (queue, ended) = (Arc::clone(&queue), self.ended.clone());
                move || {
                    let closing = CloseOnDrop(&queue);
                    let error = queue.drain_into(&mut sink).err();
                    drop(closing);
                    // Full or without a reader: nobody asks for the ends of sinks.
                    let _ = ended.try_send(SinkEnd {
                        name: sink.name(),
                        error,
                    });
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

    /// The sinks that are there and how many messages wait for each.
    pub fn queues(&self) -> Vec<(String, usize)> {
        let inner = self.lock();
        let going = inner.sinks.iter().filter(|s| !s.thread.is_finished());
        going
            .map(|sink| (sink.name.clone(), sink.queue.lock().messages.len()))
            .collect()
    }

    /// Every sink that is no more, as they go.
    pub fn ends(&self) -> &Receiver<SinkEnd> {
        &self.ends
    }

    /// Hands `message` to every sink; waits only for those that are `Lossless`.
    pub fn publish(&self, message: Message) {
        if !message.is_finite() {
            tracing::error!(
                ?message,
                "a message with a number that is not finite was held back"
            );
            return;
        }
        let mut lossless = Vec::new();
        {
            let mut inner = self.lock();
            inner.present.remember(&message);
            let published = Arc::new(Published::new(message));
            for sink in &mut inner.sinks {
                let Some(published) = sink.filter.pass(&published) else {
                    continue;
                };
                match sink.queue.delivery {
                    Delivery::DropOldest { .. } => sink.queue.push(published),
                    Delivery::Lossless { .. } => {
                        lossless.push((Arc::clone(&sink.queue), published));
                    }
                }
            }
        }
        // Outside the lock, or a sink that waits would hold up those that do not.
        for (queue, published) in lossless {
            queue.push(published);
        }
    }

    /// Lets every sink deliver what it still has and waits for them: for `Lossless` ones as long as it
    /// takes, for the others no longer than `patience`. A sink still busy then is left behind.
    pub fn finish(&self, patience: Duration) {
        let sinks = std::mem::take(&mut self.lock().sinks);
        for sink in &sinks {
            sink.queue.finish();
        }
        let deadline = Instant::now() + patience;
        for sink in sinks {
            let waits = matches!(sink.queue.delivery, Delivery::Lossless { .. });
            while !sink.thread.is_finished() && (waits || Instant::now() < deadline) {
                std::thread::sleep(FINISH_POLL);
            }
        }
    }

    /// How things stand now.
    pub fn hello(&self) -> Hello {
        self.hello_of(&self.lock())
    }

    fn hello_of(&self, inner: &Inner) -> Hello {
        Hello {
            v: Version,
            stream: ALL_STREAMS.into(),
            version: crate::VERSION.into(),
            model: self.facts.model.clone(),
            device: self.facts.device.clone(),
            horizons: self.facts.horizons_s.clone(),
            lookahead: self.facts.lookahead_s,
            hop: self.facts.hop_s,
            thresholds: self.thresholds,
            streams: inner.present.streams().to_vec(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the queue however the sink's thread comes to its end: nobody may wait for it then.
struct CloseOnDrop<'a>(&'a Queue);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A sink's own messages.
struct Queue {
    delivery: Delivery,
    state: Mutex<QueueState>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct QueueState {
    messages: VecDeque<Arc<Published>>,
    /// Dropped since the last delivery.
    dropped: u64,
    /// Nothing more will come.
    finishing: bool,
    /// Nobody takes messages any more.
    closed: bool,
}

impl Queue {
    fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, message: Arc<Published>) {
        let mut state = self.lock();
        match self.delivery {
            Delivery::DropOldest { capacity } => {
                while state.messages.len() >= capacity.max(1) {
                    state.messages.pop_front();
                    state.dropped += 1;
                }
            }
            Delivery::Lossless { capacity } => {
                while state.messages.len() >= capacity.max(1) && !state.closed {
                    state = self
                        .emptied
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        if !state.closed {
            state.messages.push_back(message);
            self.filled.notify_one();
        }
    }

    fn finish(&self) {
        self.lock().finishing = true;
        self.filled.notify_one();
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.messages.clear();
        self.emptied.notify_all();
    }

    /// Delivers until told to finish, or until the sink fails.
    fn drain_into(&self, sink: &mut impl Sink) -> io::Result<()> {
        let mut batch = Vec::with_capacity(BATCH_MESSAGES);
        loop {
            {
                let mut state = self.lock();
                while state.messages.is_empty() && !state.finishing {
                    state = self
                        .filled
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                if state.messages.is_empty() {
                    return Ok(());
                }
                if state.dropped > 0 {
                    let lost = std::mem::take(&mut state.dropped);
                    let lagged = Lagged {
                        v: Version,
                        stream: ALL_STREAMS.into(),
                        lost,
                    };
                    batch.push(Arc::new(Published::new(Message::Lagged(lagged))));
                }
                let take = state.messages.len().min(BATCH_MESSAGES);
                batch.extend(state.messages.drain(..take));
                self.emptied.notify_all();
            }
            sink.deliver(&batch)?;
            batch.clear();
        }
    }
}
