//! The queue before inference: one bounded lane per stream, in order within a stream.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crossbeam_channel::Sender;
use vocald_client::message::GapReason;

use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, Window};
use crate::inference::engine::MAX_BATCH;
use crate::inference::messages::{Loss, Note, Output, StreamItem, StreamOutput, WhenBehind};
use crate::inference::stats::{PassTimes, Stats};

/// Windows of a live stream that may wait: one second, the most that inference may be behind.
pub const LIVE_WINDOWS: usize = 14;
/// Windows that may wait where the source waits too: two batches, so that one fills while
/// the other is computed.
pub const BLOCKING_WINDOWS: usize = 2 * MAX_BATCH;
/// Notes that may wait; a stream with more of them waits itself, whatever its policy.
pub const NOTES: usize = 64;

/// Where the outputs of one stream go.
#[derive(Clone)]
pub struct Route {
    pub stream: Arc<str>,
    pub outputs: Sender<StreamOutput>,
}

impl Route {
    /// Waits for room; `false` when the receiver is gone.
    pub fn send(&self, output: Output) -> bool {
        let stream = Arc::clone(&self.stream);
        self.outputs.send(StreamOutput { stream, output }).is_ok()
    }
}

/// The queue of one stream.
pub struct StreamQueue {
    route: Route,
    waiting: VecDeque<Waiting>,
    windows: usize,
    when_behind: WhenBehind,
    /// The sender is gone: nothing more will come.
    pub closed: bool,
}

enum Waiting {
    Window(Window),
    Note(Note),
    /// Windows that were dropped here, the first beginning at `first_sample`.
    Dropped {
        first_sample: u64,
        windows: u64,
    },
}

impl StreamQueue {
    pub fn new(when_behind: WhenBehind, route: Route) -> Self {
        Self {
            route,
            waiting: VecDeque::new(),
            windows: 0,
            when_behind,
            closed: false,
        }
    }

    pub fn has_room_for(&self, item: &StreamItem) -> bool {
        match item {
            StreamItem::Note(_) => self.waiting.len() - self.windows < NOTES,
            StreamItem::Window(_) => match self.when_behind {
                WhenBehind::DropOldest => true,
                WhenBehind::Block => self.windows < BLOCKING_WINDOWS,
            },
        }
    }

    pub fn push(&mut self, item: StreamItem) {
        match item {
            StreamItem::Note(note) => self.waiting.push_back(Waiting::Note(note)),
            StreamItem::Window(window) => {
                if self.when_behind == WhenBehind::DropOldest && self.windows >= LIVE_WINDOWS {
                    self.drop_oldest();
                }
                self.waiting.push_back(Waiting::Window(window));
                self.windows += 1;
            }
        }
    }

    /// Replaces the oldest window by a mark, or adds it to the mark before it.
    fn drop_oldest(&mut self) {
        let oldest = self
            .waiting
            .iter()
            .position(|item| matches!(item, Waiting::Window(_)));
        let Some(place) = oldest else { return };
        self.windows -= 1;
        if let Some(before) = place.checked_sub(1)
            && let Some(Waiting::Dropped { windows, .. }) = self.waiting.get_mut(before)
        {
            *windows += 1;
            self.waiting.remove(place);
        } else if let Some(item) = self.waiting.get_mut(place)
            && let Waiting::Window(window) = item
        {
            *item = Waiting::Dropped {
                first_sample: window.start_sample,
                windows: 1,
            };
        }
    }

    fn pop_note(&mut self) -> Option<Note> {
        match self.waiting.pop_front()? {
            Waiting::Note(note) => Some(note),
            Waiting::Dropped {
                first_sample,
                windows,
            } => Some(Note::Lost(Loss {
                t_s: first_sample as f64 / f64::from(SAMPLE_RATE_HZ),
                lost_s: (windows * WINDOW_HOP_SAMPLES as u64) as f64 / f64::from(SAMPLE_RATE_HZ),
                reason: GapReason::InferenceBehind,
            })),
            window => {
                self.waiting.push_front(window);
                None
            }
        }
    }

    fn pop_window(&mut self) -> Option<Window> {
        match self.waiting.pop_front()? {
            Waiting::Window(window) => {
                self.windows -= 1;
                Some(window)
            }
            note => {
                self.waiting.push_front(note);
                None
            }
        }
    }
}

/// What the worker takes in one go.
#[derive(Default)]
pub struct Work {
    /// To be passed on before the windows.
    pub notes: Vec<(u64, Route, Note)>,
    /// At most [`MAX_BATCH`].
    pub windows: Vec<(u64, Route, Window)>,
}

impl Work {
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.windows.is_empty()
    }
}

/// All lanes.
#[derive(Default)]
pub struct Queues {
    pub lanes: BTreeMap<u64, StreamQueue>,
    /// The number of the next stream.
    pub next_stream: u64,
    /// The stream whose window is taken first next time, so that none is preferred.
    first_stream: u64,
    /// No stream will be added.
    pub finishing: bool,
    /// The worker takes nothing more.
    pub gone: bool,
    pub passes: PassTimes,
}

impl Queues {
    pub fn stats(&self) -> Stats {
        Stats {
            waiting_windows: self.lanes.values().map(|lane| lane.windows).sum(),
            passes: self.passes.clone(),
        }
    }

    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.lanes.values().map(|lane| &lane.route)
    }

    /// Takes what waits: of every lane the notes before its next window, then windows round-robin.
    /// Lanes that are closed and empty afterwards are removed.
    pub fn take(&mut self) -> Work {
        let mut work = Work::default();
        for (&stream, lane) in &mut self.lanes {
            while let Some(note) = lane.pop_note() {
                work.notes.push((stream, lane.route.clone(), note));
            }
        }
        self.take_windows(&mut work.windows);
        self.lanes
            .retain(|_, lane| !(lane.closed && lane.waiting.is_empty()));
        work
    }

    fn take_windows(&mut self, batch: &mut Vec<(u64, Route, Window)>) {
        let split = self.first_stream;
        let mut taken = true;
        while taken && batch.len() < MAX_BATCH {
            taken = false;
            let (before, after): (Vec<_>, Vec<_>) = self
                .lanes
                .iter_mut()
                .partition(|(stream, _)| **stream < split);
            for (&stream, lane) in after.into_iter().chain(before) {
                if batch.len() == MAX_BATCH {
                    break;
                }
                if let Some(window) = lane.pop_window() {
                    batch.push((stream, lane.route.clone(), window));
                    self.first_stream = stream + 1;
                    taken = true;
                }
            }
        }
    }
}
