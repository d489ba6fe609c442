//! What waits for the worker: a lane a stream, each bounded, in order within a stream.

use std::collections::{BTreeMap, VecDeque};

use crate::inference::engine::MAX_BATCH;
use crate::inference::stats::{PassTimes, Stats};
use crate::inference::worker::{Handler, Output, WhenBehind};
use crate::pipeline::stream::{CapturedWindow, StreamItem};

/// A live stream's windows that may wait: one second, the most that inference may be behind.
pub const LIVE_WINDOWS: usize = 14;
/// Windows that may wait where the source waits too: two batches, so that one fills while
/// the other is computed.
pub const PATIENT_WINDOWS: usize = 2 * MAX_BATCH;
/// Notes that may wait; a stream with more of them waits itself, whatever its policy.
pub const NOTES: usize = 64;

/// One stream's queue.
pub struct Lane {
    waiting: VecDeque<Waiting>,
    windows: usize,
    when_behind: WhenBehind,
    /// The sender is gone: nothing more will come.
    pub closed: bool,
    /// Until the worker takes it over.
    handler: Option<Handler>,
}

enum Waiting {
    Window(CapturedWindow),
    /// Anything that needs no inference.
    Told(Output),
}

impl Lane {
    pub fn new(when_behind: WhenBehind, handler: Handler) -> Self {
        let handler = Some(handler);
        Self {
            waiting: VecDeque::new(),
            windows: 0,
            when_behind,
            closed: false,
            handler,
        }
    }

    pub fn has_room_for(&self, item: &StreamItem) -> bool {
        match item {
            StreamItem::Note(_) => self.waiting.len() - self.windows < NOTES,
            StreamItem::Window(_) => match self.when_behind {
                WhenBehind::DropOldest => true,
                WhenBehind::Block => self.windows < PATIENT_WINDOWS,
            },
        }
    }

    pub fn push(&mut self, item: StreamItem) {
        match item {
            StreamItem::Note(note) => self.waiting.push_back(Waiting::Told(Output::Note(note))),
            StreamItem::Window(window) => {
                if self.when_behind == WhenBehind::DropOldest && self.windows >= LIVE_WINDOWS {
                    self.skip_oldest();
                }
                self.waiting.push_back(Waiting::Window(window));
                self.windows += 1;
            }
        }
    }

    /// Puts a mark in the place of the oldest window, or adds it to the mark before it.
    fn skip_oldest(&mut self) {
        let oldest = self
            .waiting
            .iter()
            .position(|item| matches!(item, Waiting::Window(_)));
        let Some(place) = oldest else { return };
        self.windows -= 1;
        if let Some(before) = place.checked_sub(1)
            && let Some(Waiting::Told(Output::Skipped { windows, .. })) =
                self.waiting.get_mut(before)
        {
            *windows += 1;
            self.waiting.remove(place);
        } else if let Some(item) = self.waiting.get_mut(place)
            && let Waiting::Window(captured) = item
        {
            let first = captured.window.start_sample;
            *item = Waiting::Told(Output::Skipped {
                first_sample: first,
                windows: 1,
            });
        }
    }

    fn pop_told(&mut self) -> Option<Output> {
        match self.waiting.pop_front()? {
            Waiting::Told(output) => Some(output),
            window => {
                self.waiting.push_front(window);
                None
            }
        }
    }

    fn pop_window(&mut self) -> Option<CapturedWindow> {
        match self.waiting.pop_front()? {
            Waiting::Window(window) => {
                self.windows -= 1;
                Some(window)
            }
            told => {
                self.waiting.push_front(told);
                None
            }
        }
    }
}

/// What the worker takes in one go.
#[derive(Default)]
pub struct Work {
    /// The handlers of streams that are new.
    pub new: Vec<(u64, Handler)>,
    /// To be handed on before the windows.
    pub told: Vec<(u64, Output)>,
    /// At most [`MAX_BATCH`].
    pub windows: Vec<(u64, CapturedWindow)>,
    /// Streams that are over once the rest of this is done.
    pub over: Vec<u64>,
}

impl Work {
    pub fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.told.is_empty()
            && self.windows.is_empty()
            && self.over.is_empty()
    }
}

/// All lanes.
#[derive(Default)]
pub struct Queues {
    pub lanes: BTreeMap<u64, Lane>,
    /// The number of the next stream.
    pub next_stream: u64,
    /// The stream that is asked first next time, so that none is preferred.
    first_asked: u64,
    /// No stream will be added.
    pub finishing: bool,
    /// The worker takes nothing more.
    pub gone: bool,
    pub passes: PassTimes,
}

impl Queues {
    pub fn load(&self) -> Stats {
        Stats {
            waiting_windows: self.lanes.values().map(|lane| lane.windows).sum(),
            passes: self.passes.clone(),
        }
    }

    /// Takes what waits: of every lane what was told before its next window, then windows in turn.
    pub fn take(&mut self) -> Work {
        let mut work = Work::default();
        for (&stream, lane) in &mut self.lanes {
            work.new
                .extend(lane.handler.take().map(|handler| (stream, handler)));
            work.told
                .extend(std::iter::from_fn(|| lane.pop_told()).map(|told| (stream, told)));
        }
        self.take_windows(&mut work.windows);
        self.lanes.retain(|&stream, lane| {
            let over = lane.closed && lane.waiting.is_empty();
            if over {
                work.over.push(stream);
            }
            !over
        });
        work
    }

    fn take_windows(&mut self, batch: &mut Vec<(u64, CapturedWindow)>) {
        let split = self.first_asked;
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
                    batch.push((stream, window));
                    self.first_asked = stream + 1;
                    taken = true;
                }
            }
        }
    }
}
