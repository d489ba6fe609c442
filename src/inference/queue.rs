//! The queue before inference: one bounded lane per stream, in order within a stream.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::frontend::Window;
use crate::inference::engine::MAX_BATCH;
use crate::inference::messages::{Note, Skipped, StreamItem, WhenBehind};
use crate::inference::route::{Delivered, Route};
use crate::inference::stats::{PassTimes, Stats};

/// Windows of a live stream that may wait, overdue ones aside: a burst of eight seconds.
pub const LIVE_WINDOWS: usize = 112;
/// Notes that may wait; a stream with more of them waits itself, whatever its policy.
pub const NOTES: usize = 64;

/// The queue of one stream.
pub struct StreamQueue {
    route: Route,
    waiting: VecDeque<Waiting>,
    windows: usize,
    /// Windows that were taken and whose predictions are not delivered yet.
    under_way: usize,
    /// Portions that were taken.
    portions: u64,
    /// Those of them whose outputs were sent.
    delivered: u64,
    when_behind: WhenBehind,
    /// The sender is gone: nothing more will come.
    pub closed: bool,
}

/// A window and when its predictions are due, if ever.
pub struct Due {
    pub window: Window,
    pub by: Option<Instant>,
}

enum Waiting {
    Window(Due),
    Note(Note),
    /// Windows that were dropped here.
    Dropped(Skipped),
}

impl StreamQueue {
    pub fn new(when_behind: WhenBehind, route: Route) -> Self {
        Self {
            route,
            waiting: VecDeque::new(),
            windows: 0,
            under_way: 0,
            portions: 0,
            delivered: 0,
            when_behind,
            closed: false,
        }
    }

    /// `due`: by when a window is to be decided on.
    pub fn push(&mut self, item: StreamItem, due: Option<Instant>) {
        match item {
            StreamItem::Note(note) => self.waiting.push_back(Waiting::Note(note)),
            StreamItem::Window(window) => {
                if self.when_behind == WhenBehind::DropOldest && self.windows >= LIVE_WINDOWS {
                    self.drop_oldest();
                }
                self.waiting
                    .push_back(Waiting::Window(Due { window, by: due }));
                self.windows += 1;
            }
        }
    }

    /// Drops the windows that cannot be decided on by the time they are due.
    fn drop_overdue(&mut self, decided: Instant) {
        if self.when_behind == WhenBehind::Block {
            return;
        }
        let overdue = |item: &&Waiting| match item {
            Waiting::Window(due) => due.by.is_some_and(|by| by < decided),
            Waiting::Note(_) | Waiting::Dropped(_) => false,
        };
        // Windows are due in their order.
        let count = self.waiting.iter().filter(overdue).count();
        (0..count).for_each(|_| self.drop_oldest());
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
            && let Some(Waiting::Dropped(skipped)) = self.waiting.get_mut(before)
        {
            skipped.windows += 1;
            self.waiting.remove(place);
        } else if let Some(item) = self.waiting.get_mut(place)
            && let Waiting::Window(due) = item
        {
            *item = Waiting::Dropped(Skipped {
                newest_frame_s: due.window.time_s(0),
                windows: 1,
            });
        }
    }

    /// Nothing waits or is under way.
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.delivered == self.portions
    }

    fn pop_note(&mut self) -> Option<Note> {
        match self.waiting.pop_front()? {
            Waiting::Note(note) => Some(note),
            Waiting::Dropped(skipped) => Some(Note::Skipped(skipped)),
            window => {
                self.waiting.push_front(window);
                None
            }
        }
    }

    fn portion<T>(&mut self, stream: u64, items: Vec<T>) -> Portion<T> {
        let number = self.portions;
        self.portions += 1;
        Portion {
            stream,
            route: self.route.clone(),
            number,
            items,
        }
    }

    fn pop_window(&mut self) -> Option<Due> {
        match self.waiting.pop_front()? {
            Waiting::Window(due) => {
                self.windows -= 1;
                Some(due)
            }
            note => {
                self.waiting.push_front(note);
                None
            }
        }
    }
}

/// What a thread takes in one go.
#[derive(Default)]
pub struct Work {
    /// To be passed on before the windows.
    pub notes: Vec<Portion<Note>>,
    /// At most [`MAX_BATCH`] windows in all.
    pub windows: Vec<Portion<Due>>,
}

/// Successive items of a stream.
pub struct Portion<T> {
    pub stream: u64,
    pub route: Route,
    /// Its place among the stream's portions.
    pub number: u64,
    pub items: Vec<T>,
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
    /// Inference threads.
    pub threads: usize,
}

impl Queues {
    /// Whether a lane takes an item. Where its source waits too, it always has room for a batch; further windows have room
    /// while, of all such lanes together, every thread can fill a batch and another one waits.
    pub fn has_room_for(&self, lane: &StreamQueue, item: &StreamItem) -> bool {
        if matches!(item, StreamItem::Note(_)) {
            return lane.waiting.len() - lane.windows < NOTES;
        }
        let blocks = |lane: &&StreamQueue| lane.when_behind == WhenBehind::Block;
        if !blocks(&lane) || lane.windows + lane.under_way < MAX_BATCH {
            return true;
        }
        let all = self.lanes.values().filter(blocks);
        let sizes = all.map(|lane| (lane.windows, lane.under_way));
        let (waiting, under_way) = sizes.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        waiting < (self.threads + 1) * MAX_BATCH
            && waiting + under_way < (2 * self.threads + 1) * MAX_BATCH
    }

    pub fn stats(&self) -> Stats {
        Stats {
            waiting_windows: self.lanes.values().map(|lane| lane.windows).sum(),
            passes: self.passes.clone(),
        }
    }

    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.lanes.values().map(|lane| &lane.route)
    }

    /// Takes what waits: of every lane the notes before its next window, then windows round-robin, up to a batch and, with
    /// several threads, half a thread's share. Several threads may have portions of a stream; their routes keep the
    /// order. `pass`: how long a pass takes.
    pub fn take(&mut self, pass: Duration) -> Work {
        let mut work = Work::default();
        let decided = Instant::now() + pass;
        for (&stream, lane) in &mut self.lanes {
            lane.drop_overdue(decided);
            let notes: Vec<Note> = std::iter::from_fn(|| lane.pop_note()).collect();
            if !notes.is_empty() {
                work.notes.push(lane.portion(stream, notes));
            }
        }
        for (stream, windows) in self.take_windows() {
            if let Some(lane) = self.lanes.get_mut(&stream) {
                lane.under_way += windows.len();
                work.windows.push(lane.portion(stream, windows));
            }
        }
        self.remove_finished();
        work
    }

    /// Outputs of a stream were sent.
    pub fn done(&mut self, stream: u64, delivered: &Delivered) {
        if let Some(lane) = self.lanes.get_mut(&stream) {
            lane.under_way = lane.under_way.saturating_sub(delivered.windows);
            lane.delivered += delivered.portions;
        }
        self.remove_finished();
    }

    /// Removes the streams that are closed and empty, and whose outputs were all sent.
    pub fn remove_finished(&mut self) {
        self.lanes
            .retain(|_, lane| !(lane.closed && lane.is_idle()));
    }

    fn take_windows(&mut self) -> BTreeMap<u64, Vec<Due>> {
        let mut batch: BTreeMap<u64, Vec<Due>> = BTreeMap::new();
        let split = self.first_stream;
        let waiting: usize = self.lanes.values().map(|lane| lane.windows).sum();
        let parts = match self.threads {
            0 | 1 => 1,
            // The other threads may be idle or soon be, so each takes half its share.
            threads => 2 * threads,
        };
        let most = waiting.div_ceil(parts).min(MAX_BATCH);
        let (mut size, mut taken) = (0, true);
        while taken && size < most {
            taken = false;
            let (before, after): (Vec<_>, Vec<_>) = self
                .lanes
                .iter_mut()
                .partition(|(stream, _)| **stream < split);
            for (&stream, lane) in after.into_iter().chain(before) {
                if size == most {
                    break;
                }
                if let Some(due) = lane.pop_window() {
                    batch.entry(stream).or_default().push(due);
                    self.first_stream = stream + 1;
                    size += 1;
                    taken = true;
                }
            }
        }
        batch
    }
}
