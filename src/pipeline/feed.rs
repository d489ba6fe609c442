//! The feed: the thread between a source and its streams.
//!
//! It takes blocks from the ring, mixes the chosen channels, and passes windows and notes on to inference, in order.

use std::ops::ControlFlow;
use std::time::Duration;

use vocald_client::message::{GapReason, StateChange, StreamState};

use crate::audio::{AudioFormat, Block, ChannelChoice, RingReader, SourceEvent, SourceHandle};
use crate::frontend::{CaptureTime, WindowLength};
use crate::inference::{Note, StreamSender, WorkerGone};
use crate::pipeline::lane::{Lane, StartError};
use crate::pipeline::wall_clock::WallClock;

/// How long the ring is watched before events are looked for again.
const RING_WATCH: Duration = Duration::from_millis(20);

/// How the channels of a source become streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mixing {
    /// One stream, the mean of the chosen channels.
    Mean(ChannelChoice),
    /// One stream for each of the chosen channels.
    Each(ChannelChoice),
}

/// Settings of a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedOptions {
    /// How channels become streams.
    pub mixing: Mixing,
    /// Ends the source after this much sound, in seconds.
    pub limit_s: Option<f64>,
    /// The source goes on by the clock whether it is read or not (a device), so a pause is a loss. A pipe that
    /// pauses loses nothing.
    pub live: bool,
}

/// How a feed came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEnd {
    /// The source ended or was stopped.
    Ended,
    /// The source failed.
    Failed {
        /// One sentence.
        reason: String,
        /// Sound had come before.
        started: bool,
    },
    /// Inference takes no more windows.
    Refused,
}

/// Feeds the streams of `source` until it ends, in windows of the length that the network takes.
/// `open` opens a stream: of the channel of that number, or of the mean of all that were chosen.
pub fn feed(
    source: SourceHandle,
    options: FeedOptions,
    window: WindowLength,
    open: impl FnMut(Option<u16>) -> StreamSender,
) -> FeedEnd {
    let mut feed = Feed {
        source,
        options,
        window,
        open,
        lanes: Vec::new(),
        reader: None,
        block: Vec::new(),
        newest_s: None,
        wall: WallClock::default(),
        pause_is_loss: false,
        running: false,
    };
    feed.open_known();
    let end = match feed.run() {
        ControlFlow::Break(end) => end,
        ControlFlow::Continue(()) => FeedEnd::Ended,
    };
    feed.close(end)
}

struct Feed<O> {
    source: SourceHandle,
    options: FeedOptions,
    window: WindowLength,
    open: O,
    lanes: Vec<Lane>,
    reader: Option<RingReader>,
    block: Vec<f32>,
    /// When the newest frame was captured, in seconds of the capture clock.
    newest_s: Option<f64>,
    wall: WallClock,
    /// The source was away: the time until the next block is lost.
    pause_is_loss: bool,
    /// The streams were informed that sound flows.
    running: bool,
}

/// `Break` ends the feed.
type Flow<T = ()> = ControlFlow<FeedEnd, T>;

impl<O: FnMut(Option<u16>) -> StreamSender> Feed<O> {
    /// Opens the streams that do not depend on how many channels the source turns out to have.
    fn open_known(&mut self) {
        match self.options.mixing.clone() {
            Mixing::Mean(choice) => self.open_lane(None, choice),
            Mixing::Each(ChannelChoice::Only(channels)) => self.open_channels(&channels),
            Mixing::Each(ChannelChoice::All) => {}
        }
    }

    fn open_channels(&mut self, channels: &[u16]) {
        for &channel in channels {
            self.open_lane(Some(channel), ChannelChoice::Only(vec![channel]));
        }
    }

    fn open_lane(&mut self, channel: Option<u16>, choice: ChannelChoice) {
        let sender = (self.open)(channel);
        self.lanes.push(Lane::new(choice, sender));
    }

    fn run(&mut self) -> Flow {
        loop {
            let event = match &self.reader {
                Some(reader) if !reader.is_closed() => self.source.events.try_recv().ok(),
                // Nothing can come but an event.
                _ => match self.source.events.recv() {
                    Ok(event) => Some(event),
                    Err(_) => return self.failed("its thread panicked; see the log".into()),
                },
            };
            if let Some(event) = event {
                // What the ring still holds came before.
                while self.read(Duration::ZERO)? {}
                self.event(event)?;
            }
            self.read(RING_WATCH)?;
        }
    }

    /// Takes one block; `false` when none came.
    fn read(&mut self, timeout: Duration) -> Flow<bool> {
        let Some(reader) = &mut self.reader else {
            return ControlFlow::Continue(false);
        };
        let mut samples = std::mem::take(&mut self.block);
        let block = reader.read_timeout(&mut samples, timeout);
        let format = reader.format();
        let flow = match block {
            Some(block) => self.block(block, &mut samples, format),
            None => ControlFlow::Continue(()),
        };
        self.block = samples;
        flow?;
        ControlFlow::Continue(block.is_some())
    }

    fn event(&mut self, event: SourceEvent) -> Flow {
        match event {
            SourceEvent::Started { format, reader } => {
                self.lose_at_end()?;
                self.reader = Some(reader);
                self.pause_is_loss = self.newest_s.is_some();
                self.running = false;
                self.start(format)
            }
            SourceEvent::Resumed => ControlFlow::Continue(()),
            SourceEvent::State(change) => match change.state {
                StreamState::Ended => {
                    self.lose_at_end()?;
                    let stopped = self.source.stop.is_stopped();
                    self.end(stopped.then(|| "stopped on request".into()))
                }
                StreamState::Failed => self.failed(change.reason.unwrap_or_default()),
                state => {
                    // From here on, and not from `Resumed`: the first sound may come before that event.
                    self.pause_is_loss |= state == StreamState::Stalled;
                    self.running = false;
                    self.note_all(&Note::State(change))
                }
            },
        }
    }

    /// Prepares the streams for `format`, their first or another.
    fn start(&mut self, format: AudioFormat) -> Flow {
        if self.lanes.is_empty() {
            let channels: Vec<u16> = (1..=format.channels).collect();
            self.open_channels(&channels);
        }
        for place in 0..self.lanes.len() {
            match self.lanes[place].start(format, self.window) {
                Ok(()) => {}
                Err(StartError::Gone(WorkerGone)) => return ControlFlow::Break(FeedEnd::Refused),
                Err(error) => return self.failed(error.to_string()),
            }
        }
        ControlFlow::Continue(())
    }

    fn block(&mut self, block: Block, samples: &mut Vec<f32>, format: AudioFormat) -> Flow {
        let end = CaptureTime {
            monotonic_s: block.captured.seconds(),
            unix_s: self.wall.unix_s(block.captured),
        };
        if block.lost_before_frames > 0 {
            self.lose_all(block.lost_before_frames, GapReason::RingFull)?;
        }
        if std::mem::take(&mut self.pause_is_loss)
            && self.options.live
            && let Some(newest_s) = self.newest_s
        {
            let frames = ((end.monotonic_s - newest_s) * f64::from(format.rate_hz)) as u64;
            let lost = frames.saturating_sub(block.frames + block.lost_before_frames);
            if lost > 0 {
                self.lose_all(lost, GapReason::Device)?;
            }
        }
        self.newest_s = Some(end.monotonic_s);
        if !std::mem::replace(&mut self.running, true) {
            self.note_all(&Note::State(StateChange::running()))?;
            self.lanes.iter_mut().for_each(Lane::forget_silence);
        }
        let over = self.cut_to_limit(samples, format);
        for lane in &mut self.lanes {
            lane.push(samples, end)
                .map_or_else(refused, Flow::Continue)?;
        }
        if over {
            return self.end(Some("the requested duration is over".into()));
        }
        ControlFlow::Continue(())
    }

    /// Leaves out what lies beyond the limit; `true` when the limit is reached.
    fn cut_to_limit(&self, samples: &mut Vec<f32>, format: AudioFormat) -> bool {
        let position_s = self.lanes.first().and_then(Lane::position_s);
        let (Some(limit_s), Some(position_s)) = (self.options.limit_s, position_s) else {
            return false;
        };
        let left_s = (limit_s - position_s).max(0.0);
        let left = (left_s * f64::from(format.rate_hz)).round() as usize;
        let channels = usize::from(format.channels);
        let over = left <= samples.len() / channels;
        if over {
            samples.truncate(left * channels);
        }
        over
    }

    fn lose_at_end(&mut self) -> Flow {
        let lost = self
            .reader
            .as_ref()
            .map_or(0, RingReader::lost_at_end_frames);
        match lost {
            0 => ControlFlow::Continue(()),
            lost => self.lose_all(lost, GapReason::RingFull),
        }
    }

    fn lose_all(&mut self, lost_frames: u64, reason: GapReason) -> Flow {
        for lane in &mut self.lanes {
            lane.lose(lost_frames, reason)
                .map_or_else(refused, Flow::Continue)?;
        }
        ControlFlow::Continue(())
    }

    /// The sound is over.
    fn end(&mut self, reason: Option<String>) -> Flow {
        self.finish_all(&StateChange::ended(reason))?;
        ControlFlow::Break(FeedEnd::Ended)
    }

    fn failed(&mut self, reason: String) -> Flow {
        let started = self.newest_s.is_some();
        self.finish_all(&StateChange::failed(reason.clone()))?;
        ControlFlow::Break(FeedEnd::Failed { reason, started })
    }

    fn finish_all(&mut self, change: &StateChange) -> Flow {
        for lane in &mut self.lanes {
            lane.finish().map_or_else(refused, Flow::Continue)?;
        }
        self.note_all(&Note::State(change.clone()))
    }

    fn note_all(&mut self, note: &Note) -> Flow {
        for lane in &self.lanes {
            lane.note(note.clone())
                .map_or_else(refused, Flow::Continue)?;
        }
        ControlFlow::Continue(())
    }

    fn close(self, end: FeedEnd) -> FeedEnd {
        let label = &self.source.label;
        self.lanes.iter().for_each(|lane| lane.log_silenced(label));
        let health = self.source.health.snapshot();
        tracing::debug!("{label}: {health:?}");
        self.source.stop.stop();
        // The reader goes first, or a source that waits for room in the ring would wait for ever.
        drop(self.reader);
        self.source.join();
        end
    }
}

fn refused(_: WorkerGone) -> Flow {
    ControlFlow::Break(FeedEnd::Refused)
}
