//! The inference threads: each owns a network, takes waiting windows in batches, returns their probabilities.
//!
//! Streams queue their windows through a [`StreamSender`]. A thread takes what waits, up to a batch, in one pass, and
//! sends each stream's outputs, in order, to the receiver that [`Intake::add_stream`] was given.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use vocald_client::message::StateChange;

use crate::frontend::Window;
use crate::inference::engine::{Engine, EngineError, panic_text};
use crate::inference::messages::{
    Note, Output, Row, ScoredWindow, StreamItem, StreamOutput, WhenBehind,
};
use crate::inference::queue::{Due, Portion, Queues, StreamQueue, Work};
use crate::inference::route::Route;
use crate::inference::stats::Stats;
use crate::pulse::Pulse;

/// Computes the probabilities of windows. [`Engine`] does it with a network; tests use others.
pub trait Scorer {
    /// One row a window.
    ///
    /// # Errors
    /// Whatever ends inference for good.
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError>;
}

impl Scorer for Engine {
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
        self.infer_each(windows)
    }
}

/// Inference has failed and takes nothing more; the streams' outputs say why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("inference has failed")]
pub struct WorkerGone;

/// The inference threads.
pub struct Worker {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<(), EngineError>>>,
}

impl Worker {
    /// Starts the first thread, builds the network on it with `load`, and returns what `load` reports about it.
    ///
    /// # Errors
    /// The error of `load`, or [`EngineError::Thread`] when no thread can be started.
    pub fn start<S: Scorer, T: Send + 'static>(
        load: impl FnOnce() -> Result<(S, T), EngineError> + Send + 'static,
    ) -> Result<(Self, T), EngineError> {
        Self::start_watched(Pulse::default(), load)
    }

    /// [`Worker::start`] with a pulse that beats with every pass.
    ///
    /// # Errors
    /// Those of [`Worker::start`].
    pub fn start_watched<S: Scorer, T: Send + 'static>(
        pulse: Pulse,
        load: impl FnOnce() -> Result<(S, T), EngineError> + Send + 'static,
    ) -> Result<(Self, T), EngineError> {
        let mut worker = Self {
            shared: Arc::new(Shared::default()),
            threads: Vec::new(),
        };
        let about = worker.add_thread(pulse, load)?;
        Ok((worker, about))
    }

    /// Starts one more thread with a network of its own, likewise. A stream's items stay in order. `pulse` beats with
    /// every pass.
    ///
    /// # Errors
    /// Those of [`Worker::start`].
    pub fn add_thread<S: Scorer, T: Send + 'static>(
        &mut self,
        pulse: Pulse,
        load: impl FnOnce() -> Result<(S, T), EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (report, loaded) = crossbeam_channel::bounded(1);
        let thread = std::thread::Builder::new().name("inference".into()).spawn({
            let shared = Arc::clone(&self.shared);
            move || {
                let gone = GoneOnDrop(&shared);
                // Without a receiver the program has given up meanwhile.
                let (mut scorer, about) = match load() {
                    Ok(loaded) => loaded,
                    Err(error) => {
                        let _ = report.send(Err(error));
                        return Ok(());
                    }
                };
                let _ = report.send(Ok(about));
                let result = work(&shared, &mut scorer, &pulse);
                drop(gone);
                result
            }
        });
        self.shared.lock().threads += 1;
        let thread =
            thread.map_err(|e| EngineError::Thread(format!("no thread for inference: {e}")))?;
        self.threads.push(thread);
        loaded.recv().unwrap_or_else(|_| Err(panicked("")))
    }

    /// Whether inference has failed.
    pub fn is_gone(&self) -> bool {
        self.shared.lock().gone
    }

    /// A handle that opens streams, on any thread.
    pub fn intake(&self) -> Intake {
        Intake {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Waits until every stream's sender is dropped and all that waits is computed.
    ///
    /// # Errors
    /// The error that ended inference, or a panic of its thread.
    pub fn finish(self) -> Result<(), EngineError> {
        self.shared.lock().finishing = true;
        self.shared.work.notify_all();
        let join = |thread: JoinHandle<_>| thread.join().unwrap_or_else(|_| Err(panicked("")));
        let results: Vec<_> = self.threads.into_iter().map(join).collect();
        results.into_iter().collect()
    }
}

/// Opens streams of a [`Worker`].
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
}

impl Intake {
    /// Opens a queue for one stream, whose outputs go to `outputs`. While that is full, inference waits.
    /// Dropping the sender closes the queue; what waits in it then is still computed.
    pub fn add_stream(
        &self,
        stream: &str,
        when_behind: WhenBehind,
        outputs: Sender<StreamOutput>,
    ) -> StreamSender {
        let route = Route::new(stream, outputs);
        let mut queues = self.shared.lock();
        let stream = queues.next_stream;
        queues.next_stream += 1;
        queues
            .lanes
            .insert(stream, StreamQueue::new(when_behind, route));
        StreamSender {
            stream,
            shared: Arc::clone(&self.shared),
        }
    }

    /// How well the worker keeps up at present.
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats()
    }
}

fn panicked(what: &str) -> EngineError {
    let colon = if what.is_empty() { "" } else { ": " };
    EngineError::Thread(format!(
        "an inference thread panicked{colon}{what}; see the log above"
    ))
}

/// The way of one stream's items to the worker.
pub struct StreamSender {
    stream: u64,
    shared: Arc<Shared>,
}

impl StreamSender {
    /// Queues a window or a note; waits or drops according to the stream's [`WhenBehind`].
    ///
    /// # Errors
    /// [`WorkerGone`] when inference has failed, or nobody receives the stream's outputs any more.
    pub fn send(&self, item: StreamItem) -> Result<(), WorkerGone> {
        self.send_due(item, None)
    }

    /// [`StreamSender::send`] of a window that is due by a time, if ever: a live stream drops it when that cannot be
    /// kept, and predictions that come later are marked.
    ///
    /// # Errors
    /// Those of [`StreamSender::send`].
    pub fn send_due(&self, item: StreamItem, due: Option<Instant>) -> Result<(), WorkerGone> {
        self.push([(item, due)])
    }

    /// [`StreamSender::send`] of several items, which one thread can take together.
    ///
    /// # Errors
    /// Those of [`StreamSender::send`]; the items are lost then.
    pub fn send_all(&self, items: &mut Vec<StreamItem>) -> Result<(), WorkerGone> {
        self.push(items.drain(..).map(|item| (item, None)))
    }

    fn push(
        &self,
        items: impl IntoIterator<Item = (StreamItem, Option<Instant>)>,
    ) -> Result<(), WorkerGone> {
        let mut queues = self.shared.lock();
        for (item, due) in items {
            loop {
                if queues.gone {
                    return Err(WorkerGone);
                }
                let lane = queues.lanes.get(&self.stream).ok_or(WorkerGone)?;
                if queues.has_room_for(lane, &item) {
                    let lane = queues.lanes.get_mut(&self.stream).ok_or(WorkerGone)?;
                    lane.push(item, due);
                    break;
                }
                self.shared.work.notify_one();
                queues = self
                    .shared
                    .room
                    .wait(queues)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
        self.shared.work.notify_one();
        Ok(())
    }

    /// Takes nothing more, and waits until all that waits is computed and its outputs are passed on.
    pub fn drain(&self) {
        let mut queues = self.shared.lock();
        if let Some(lane) = queues.lanes.get_mut(&self.stream) {
            lane.closed = true;
        }
        queues.remove_finished();
        self.shared.work.notify_all();
        while !queues.gone && queues.lanes.contains_key(&self.stream) {
            queues = self
                .shared
                .room
                .wait(queues)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for StreamSender {
    fn drop(&mut self) {
        if let Some(lane) = self.shared.lock().lanes.get_mut(&self.stream) {
            lane.closed = true;
        }
        self.shared.work.notify_one();
    }
}

#[derive(Default)]
struct Shared {
    queues: Mutex<Queues>,
    /// There is something to do.
    work: Condvar,
    /// There is room in some lane.
    room: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work; `None` when there will be none any more. `pass`: how long a pass takes.
    fn take(&self, pass: Duration) -> Option<Work> {
        let mut queues = self.lock();
        loop {
            let work = queues.take(pass);
            if !work.is_empty() {
                drop(queues);
                self.room.notify_all();
                // More may wait, for another thread.
                self.work.notify_one();
                return Some(work);
            }
            if queues.gone || queues.finishing && queues.lanes.is_empty() {
                return None;
            }
            queues = self
                .work
                .wait(queues)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sends the outputs of a portion when their turn comes. A stream whose receiver is gone is closed.
    fn deliver(&self, stream: u64, route: &Route, number: u64, outputs: Vec<Output>) {
        let delivered = route.deliver(number, outputs);
        let mut queues = self.lock();
        match delivered {
            Ok(delivered) => queues.done(stream, &delivered),
            Err(_) => {
                queues.lanes.remove(&stream);
            }
        }
        drop(queues);
        // Other threads may wait for the end of all streams.
        self.work.notify_all();
        self.room.notify_all();
    }
}

/// Makes senders fail once the thread has ended, however it ended.
struct GoneOnDrop<'a>(&'a Shared);

impl Drop for GoneOnDrop<'_> {
    fn drop(&mut self) {
        let mut queues = self.0.lock();
        queues.gone = true;
        // Receivers of outputs see that nothing more will come.
        queues.lanes.clear();
        drop(queues);
        self.0.room.notify_all();
        self.0.work.notify_all();
    }
}

fn work(shared: &Shared, scorer: &mut impl Scorer, pulse: &Pulse) -> Result<(), EngineError> {
    let mut pass = Duration::ZERO;
    while let Some(Work { notes, windows }) = shared.take(pass) {
        for portion in notes {
            let outputs = portion.items.into_iter().map(Output::Note).collect();
            shared.deliver(portion.stream, &portion.route, portion.number, outputs);
        }
        if windows.is_empty() {
            continue;
        }
        let began = Instant::now();
        let batch: Vec<&Window> = windows
            .iter()
            .flat_map(|portion| portion.items.iter().map(|due| &due.window))
            .collect();
        let size = batch.len();
        let scored = {
            let _at_work = pulse.at_work();
            catch_unwind(AssertUnwindSafe(|| scorer.score(&batch)))
        };
        let rows = match scored.unwrap_or_else(|panic| Err(panicked(&panic_text(&*panic)))) {
            Ok(rows) => rows,
            Err(error) => {
                report_failure(shared, &windows, &error);
                return Err(error);
            }
        };
        pass = began.elapsed();
        shared.lock().passes.note(pass, size);
        let now = Instant::now();
        let mut rows = rows.into_iter();
        for portion in windows {
            let scored = portion.items.into_iter().zip(rows.by_ref());
            let outputs = scored.map(|(due, row)| match row {
                Ok(probabilities) => Output::Scored(ScoredWindow {
                    window: due.window,
                    probabilities,
                    late: due.by.is_some_and(|by| by < now),
                }),
                Err(reason) => Output::NoPrediction(reason),
            });
            let outputs = outputs.collect();
            shared.deliver(portion.stream, &portion.route, portion.number, outputs);
        }
    }
    Ok(())
}

/// Reports to every open stream, and those whose last windows were in the batch, that inference has failed.
fn report_failure(shared: &Shared, batch: &[Portion<Due>], error: &EngineError) {
    let mut routes: Vec<Route> = shared.lock().routes().cloned().collect();
    for portion in batch {
        if !routes.iter().any(|route| route.is(&portion.route)) {
            routes.push(portion.route.clone());
        }
    }
    for route in routes {
        let failed = StateChange::failed(error.to_string());
        let _ = route.send(Output::Note(Note::State(failed)));
    }
}
