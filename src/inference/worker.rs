//! The one thread that owns the network. Streams hand it their windows through bounded queues;
//! it takes what is waiting, up to a batch, in one pass, and gives every stream's answers to that
//! stream's handler, in order.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::frontend::Window;
use crate::inference::engine::{Engine, EngineError};
use crate::inference::queue::{Lane, Queues, Work};
use crate::inference::stats::Stats;
use crate::pipeline::stream::{CapturedWindow, Note, StreamItem};

/// What gives windows their probabilities. The [`Engine`] is one.
pub trait Scorer {
    /// A row a window, in it the probability of voice a horizon.
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Vec<f32>>, EngineError>;
}

impl Scorer for Engine {
    fn score(&mut self, windows: &[&Window]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.infer(windows)
    }
}

/// What happens to a stream's windows when inference is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenBehind {
    /// The oldest go, counted, so that the lag never grows beyond a second: for live sound.
    DropOldest,
    /// The stream waits: for sound that can wait.
    Block,
}

/// A window with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    pub captured: CapturedWindow,
    /// One a horizon, in the order of the model's metadata.
    pub probabilities: Vec<f32>,
}

/// What a stream's handler hears, in the order in which it happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Scored(Scored),
    /// What the stream had to say between its windows.
    Note(Note),
    /// Inference was behind: `windows` windows got no answer, the first of them
    /// beginning at `first_sample` of the stream, at 22 050 Hz.
    Skipped {
        first_sample: u64,
        windows: u64,
    },
    /// Inference failed: the stream gets nothing more.
    Failed {
        reason: String,
    },
}

/// Called on the worker's thread: whatever it waits for, inference waits for. Dropped when
/// its stream is over.
pub type Handler = Box<dyn FnMut(Output) + Send>;

/// The worker has failed and takes nothing more; the handlers have been told why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("inference has failed")]
pub struct WorkerGone;

pub struct Worker {
    shared: Arc<Shared>,
    thread: JoinHandle<Result<(), EngineError>>,
}

impl Worker {
    /// Starts the thread and builds the network on it; returns once that is done, with
    /// what `load` has to tell about it.
    pub fn start<S: Scorer, T: Send + 'static>(
        load: impl FnOnce() -> Result<(S, T), EngineError> + Send + 'static,
    ) -> Result<(Self, T), EngineError> {
        let shared = Arc::new(Shared::default());
        let (tell, told) = crossbeam_channel::bounded(1);
        let thread = std::thread::Builder::new().name("inference".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let _gone = GoneOnDrop(&shared);
                // Nobody listens when the program has given up meanwhile: nothing to do then.
                let (mut scorer, about) = match load() {
                    Ok(loaded) => loaded,
                    Err(error) => {
                        let _ = tell.send(Err(error));
                        return Ok(());
                    }
                };
                let _ = tell.send(Ok(about));
                work(&shared, &mut scorer)
            }
        });
        let thread =
            thread.map_err(|e| EngineError::Device(format!("no thread for inference: {e}")))?;
        match told.recv() {
            Ok(Ok(about)) => Ok((Self { shared, thread }, about)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(died()),
        }
    }

    /// What streams are opened by, on whatever thread.
    pub fn intake(&self) -> Intake {
        Intake {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Waits until every stream's sender is dropped and all that waits is answered.
    /// An error is the one that inference failed with.
    pub fn finish(self) -> Result<(), EngineError> {
        self.shared.lock().finishing = true;
        self.shared.work.notify_one();
        self.thread.join().unwrap_or_else(|_| Err(died()))
    }
}

/// The worker's door for new streams.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
}

impl Intake {
    /// Opens a queue for one stream. Dropping the sender closes it; what waits in it
    /// then is still answered.
    pub fn add_stream(&self, when_behind: WhenBehind, handler: Handler) -> StreamSender {
        let mut queues = self.shared.lock();
        let stream = queues.next_stream;
        queues.next_stream += 1;
        queues.lanes.insert(stream, Lane::new(when_behind, handler));
        StreamSender {
            stream,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Intake {
    /// How the worker keeps up at present.
    pub fn load(&self) -> Stats {
        self.shared.lock().load()
    }
}

fn died() -> EngineError {
    EngineError::Device("the inference thread died; its last words are above".into())
}

/// One stream's way to the worker.
pub struct StreamSender {
    stream: u64,
    shared: Arc<Shared>,
}

impl StreamSender {
    /// Queues a window or a note; waits or drops as the stream's [`WhenBehind`] says.
    pub fn send(&self, item: StreamItem) -> Result<(), WorkerGone> {
        let mut queues = self.shared.lock();
        loop {
            if queues.gone {
                return Err(WorkerGone);
            }
            let lane = queues.lanes.get_mut(&self.stream).ok_or(WorkerGone)?;
            if lane.has_room_for(&item) {
                lane.push(item);
                self.shared.work.notify_one();
                return Ok(());
            }
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

    /// Waits for work; `None` when there will be none any more.
    fn take(&self) -> Option<Work> {
        let mut queues = self.lock();
        loop {
            let work = queues.take();
            if !work.is_empty() {
                self.room.notify_all();
                return Some(work);
            }
            if queues.finishing && queues.lanes.is_empty() {
                return None;
            }
            queues = self
                .work
                .wait(queues)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Tells the streams that nobody takes their windows, however the thread comes to its end.
struct GoneOnDrop<'a>(&'a Shared);

impl Drop for GoneOnDrop<'_> {
    fn drop(&mut self) {
        self.0.lock().gone = true;
        self.0.room.notify_all();
    }
}

fn work(shared: &Shared, scorer: &mut impl Scorer) -> Result<(), EngineError> {
    let mut handlers: BTreeMap<u64, Handler> = BTreeMap::new();
    while let Some(Work {
        new,
        told,
        windows,
        over,
    }) = shared.take()
    {
        handlers.extend(new);
        let mut tell = |stream: u64, output| {
            if let Some(handler) = handlers.get_mut(&stream) {
                handler(output);
            }
        };
        for (stream, output) in told {
            tell(stream, output);
        }
        let began = Instant::now();
        match score(scorer, &windows) {
            Ok(rows) => {
                if !windows.is_empty() {
                    let mut queues = shared.lock();
                    queues.passes.note(began.elapsed(), windows.len());
                }
                for ((stream, captured), probabilities) in windows.into_iter().zip(rows) {
                    tell(
                        stream,
                        Output::Scored(Scored {
                            captured,
                            probabilities,
                        }),
                    );
                }
            }
            Err(error) => {
                for handler in handlers.values_mut() {
                    handler(Output::Failed {
                        reason: error.to_string(),
                    });
                }
                return Err(error);
            }
        }
        for stream in over {
            handlers.remove(&stream);
        }
    }
    Ok(())
}

fn score(
    scorer: &mut impl Scorer,
    windows: &[(u64, CapturedWindow)],
) -> Result<Vec<Vec<f32>>, EngineError> {
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    let windows: Vec<&Window> = windows.iter().map(|(_, c)| &c.window).collect();
    scorer.score(&windows)
}
