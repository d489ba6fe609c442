//! The feed: the thread between a source and its streams.
//!
//! It takes blocks from the ring, dates them, mixes the chosen channels, and passes windows and notes on to inference,
//! in order. Its streams outlive its source: one that died is started anew, and their time goes on.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crossbeam_channel::{Receiver, never, select};
use vocald_client::message::{GapReason, StateChange, StreamState};

use crate::audio::{AudioFormat, Block, CaptureInstant, RingReader, SourceEvent, SourceHandle};
use crate::frontend::{CaptureTime, WindowLength};
use crate::inference::StreamSender;
pub use crate::pipeline::feed_options::{FeedChange, FeedEnd, FeedOptions, Mixing, Opening};
use crate::pipeline::lanes::{Flow, Lanes};
use crate::pipeline::timeline::{Held, Place, Timeline};
use crate::pipeline::wall_clock::WallClock;
use crate::pulse::Pulse;

/// How long the ring or the events are watched before the other and the clock are looked at again.
const WATCH: Duration = Duration::from_millis(20);

/// Feeds the streams of `source` until it ends, in windows of the length that the network takes.
/// `open` opens a stream: of the channel of that number, or of the mean of all that were chosen.
pub fn feed(
    source: SourceHandle,
    options: FeedOptions,
    window: WindowLength,
    mut open: impl FnMut(Option<u16>) -> StreamSender,
) -> FeedEnd {
    let open = |channel| Opening {
        sender: open(channel),
        window,
        gain_db: 0.0,
    };
    Feed::new(options, Pulse::default(), never(), open).play(source)
}

/// The streams of a source, and the times that they share.
pub struct Feed<O> {
    options: FeedOptions,
    pulse: Pulse,
    changes: Receiver<FeedChange>,
    lanes: Lanes<O>,
    block: Vec<f32>,
    timeline: Timeline,
    wall: WallClock,
    /// The streams were informed that sound flows.
    running: bool,
    /// The streams were informed that none does.
    stalled: bool,
    waiting_logged: bool,
    /// The source has begun anew; its first sound will show what is missing before it.
    restarted: bool,
}

/// A source while it plays.
struct Playing {
    source: SourceHandle,
    reader: Option<RingReader>,
    /// When the newest block was read, or the source started.
    quiet_since: CaptureInstant,
    /// Errors that the device had reported when the newest block was read.
    xruns: u64,
}

impl<O: FnMut(Option<u16>) -> Opening> Feed<O> {
    /// Opens the streams that do not depend on how many channels the source turns out to have. `changes` of them are
    /// applied between two blocks.
    pub fn new(options: FeedOptions, pulse: Pulse, changes: Receiver<FeedChange>, open: O) -> Self {
        Self {
            lanes: Lanes::new(&options, open),
            options,
            pulse,
            changes,
            block: Vec::new(),
            timeline: Timeline::default(),
            wall: WallClock::default(),
            running: false,
            stalled: false,
            waiting_logged: false,
            restarted: false,
        }
    }

    /// Plays a source to its end and closes it. After an end by a dead thread the same source may be played anew.
    pub fn play(&mut self, source: SourceHandle) -> FeedEnd {
        self.wall.set_system_clock(source.unix_clock.clone());
        let mut playing = Playing {
            xruns: source.health.snapshot().xruns,
            source,
            reader: None,
            quiet_since: CaptureInstant::now(),
        };
        self.running = false;
        let run = AssertUnwindSafe(|| self.run(&mut playing));
        let end = match catch_unwind(run) {
            Ok(ControlFlow::Break(end)) => end,
            Ok(ControlFlow::Continue(())) => FeedEnd::Ended,
            Err(_) => {
                let reason = "its feed thread panicked; see the log above";
                // What the panic left half done is not flushed.
                self.timeline.forget_held();
                match self.note_state(StateChange::failed(reason)) {
                    ControlFlow::Break(end) => end,
                    ControlFlow::Continue(()) => FeedEnd::Failed {
                        reason: reason.into(),
                        died: true,
                    },
                }
            }
        };
        self.close(playing);
        end
    }

    /// Informs all streams that the source failed.
    pub fn fail(&mut self, reason: &str) -> FeedEnd {
        match self.failed(reason.into(), false) {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(()) => FeedEnd::Ended,
        }
    }

    /// The streams end: waits until all that came is decided on.
    pub fn finish(self) {
        self.lanes.close();
    }

    fn run(&mut self, playing: &mut Playing) -> Flow {
        loop {
            while let Ok(change) = self.changes.try_recv() {
                self.lanes.change(change)?;
            }
            let event = match &playing.reader {
                Some(reader) if !reader.is_closed() => playing.source.events.try_recv().ok(),
                // No sound can come.
                _ => select! {
                    recv(playing.source.events) -> event => match event {
                        Ok(event) => Some(event),
                        Err(_) => {
                            self.release(playing)?;
                            return self.failed("its thread panicked; see the log".into(), true);
                        }
                    },
                    recv(self.changes) -> change => {
                        match change {
                            Ok(change) => self.lanes.change(change)?,
                            Err(_) => self.changes = never(),
                        }
                        continue;
                    }
                },
            };
            if let Some(event) = event {
                // What the ring still holds came before.
                while self.read(playing, Duration::ZERO)? {}
                self.release(playing)?;
                self.event(playing, event)?;
            }
            if !self.read(playing, WATCH)? {
                self.stall_if_quiet(playing)?;
            }
        }
    }

    /// Takes one block; `false` when none came.
    fn read(&mut self, playing: &mut Playing, timeout: Duration) -> Flow<bool> {
        let Some(reader) = &mut playing.reader else {
            return ControlFlow::Continue(false);
        };
        let mut samples = std::mem::take(&mut self.block);
        let block = reader.read_timeout(&mut samples, timeout);
        let format = reader.format();
        let Some(block) = block else {
            self.block = samples;
            return ControlFlow::Continue(false);
        };
        playing.quiet_since = CaptureInstant::now();
        let pulse = self.pulse.clone();
        let _at_work = pulse.at_work();
        if !self.options.live {
            let end_s = block.captured.seconds();
            self.deliver(&block, &mut samples, format, (end_s, end_s))?;
            self.block = samples;
            return ControlFlow::Continue(true);
        }
        let xruns = playing.source.health.snapshot().xruns;
        let doubtful = std::mem::replace(&mut playing.xruns, xruns) != xruns;
        match self.timeline.place(&block, format.rate_hz, doubtful) {
            Place::At(end_s) => {
                let times = (end_s, block.captured.seconds());
                self.deliver(&block, &mut samples, format, times)?;
                self.block = samples;
            }
            Place::Hold => {
                self.timeline.hold(block, samples);
                if self.timeline.is_settled() {
                    self.release(playing)?;
                }
            }
        }
        ControlFlow::Continue(true)
    }

    /// Delivers the blocks that are held, behind the sound that is missing before them.
    fn release(&mut self, playing: &Playing) -> Flow {
        let Some(format) = playing.reader.as_ref().map(RingReader::format) else {
            return ControlFlow::Continue(());
        };
        let is_new = self.timeline.is_new();
        let released = self.timeline.release(format.rate_hz);
        let lost = (released.lost_s * f64::from(format.rate_hz)).round() as u64;
        if lost > 0 && !is_new {
            self.restarted = false;
            self.lanes.lose(lost, GapReason::Device)?;
        }
        // What was held arrives only now.
        let now_s = CaptureInstant::now().seconds();
        for Held { block, mut samples } in released.blocks {
            let end_s = self.timeline.place_released(&block, format.rate_hz);
            self.deliver(&block, &mut samples, format, (end_s, now_s))?;
        }
        ControlFlow::Continue(())
    }

    /// Informs the streams once when nothing has come for too long from a source that is there.
    fn stall_if_quiet(&mut self, playing: &Playing) -> Flow {
        let Some(limit) = self.options.stall_after else {
            return ControlFlow::Continue(());
        };
        let open = playing.reader.as_ref().is_some_and(|r| !r.is_closed());
        if self.stalled || !open || playing.quiet_since.elapsed() < limit {
            return ControlFlow::Continue(());
        }
        self.release(playing)?;
        self.stalled = true;
        let reason = format!("no sound for {} s", limit.as_secs_f64());
        self.note_state(StateChange::stalled(reason))
    }

    fn event(&mut self, playing: &mut Playing, event: SourceEvent) -> Flow {
        match event {
            SourceEvent::Started { format, reader } => {
                self.lose_at_end(playing)?;
                playing.reader = Some(reader);
                self.restarted = !self.timeline.is_new();
                playing.quiet_since = CaptureInstant::now();
                self.running = false;
                self.stalled = false;
                self.start(format)
            }
            SourceEvent::State(change) => match change.state {
                StreamState::Ended => {
                    self.lose_at_end(playing)?;
                    let stopped = playing.source.stop.is_stopped();
                    self.end(stopped.then(|| "stopped on request".into()))
                }
                StreamState::Failed => self.failed(change.reason.unwrap_or_default(), false),
                _ => {
                    self.log_waiting(&playing.source.label, &change);
                    self.note_state(change)
                }
            },
        }
    }

    /// Logs once that a device is waited for, and what to do. That nobody writes to a FIFO is usual.
    fn log_waiting(&mut self, label: &str, change: &StateChange) {
        if change.state == StreamState::Waiting
            && self.options.live
            && !std::mem::replace(&mut self.waiting_logged, true)
        {
            let reason = change.reason.as_deref().unwrap_or_default();
            tracing::warn!("waiting for {label}: {reason}");
        }
    }

    /// Prepares the streams for `format`, their first or another.
    fn start(&mut self, format: AudioFormat) -> Flow {
        match self.lanes.start(format)? {
            Ok(()) => ControlFlow::Continue(()),
            Err(reason) => self.failed(reason, false),
        }
    }

    /// Passes on a block, the last frame of which was captured and arrived at these times of the capture clock.
    fn deliver(
        &mut self,
        block: &Block,
        samples: &mut Vec<f32>,
        format: AudioFormat,
        (end_s, arrived_s): (f64, f64),
    ) -> Flow {
        let end = CaptureTime {
            monotonic_s: end_s,
            arrived_s,
            unix_s: self.wall.unix_s(end_s),
        };
        if block.lost_before_frames > 0 {
            self.lanes
                .lose(block.lost_before_frames, GapReason::RingFull)?;
        }
        // Windows begin anew also where no sound is missing.
        if std::mem::take(&mut self.restarted) {
            self.lanes.lose(0, GapReason::Device)?;
        }
        self.stalled = false;
        if !std::mem::replace(&mut self.running, true) {
            self.lanes.resume()?;
        }
        let over = self.cut_to_limit(samples, format);
        self.lanes.push(samples, end)?;
        if over {
            return self.end(Some("the requested duration is over".into()));
        }
        ControlFlow::Continue(())
    }

    /// Leaves out what lies beyond the limit; `true` when the limit is reached.
    fn cut_to_limit(&self, samples: &mut Vec<f32>, format: AudioFormat) -> bool {
        let position_s = self.lanes.position_s();
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

    fn lose_at_end(&mut self, playing: &Playing) -> Flow {
        let lost = playing
            .reader
            .as_ref()
            .map_or(0, RingReader::lost_at_end_frames);
        match lost {
            0 => ControlFlow::Continue(()),
            lost => self.lanes.lose(lost, GapReason::RingFull),
        }
    }

    /// The sound is over.
    fn end(&mut self, reason: Option<String>) -> Flow {
        self.lanes.finish(&StateChange::ended(reason))?;
        ControlFlow::Break(FeedEnd::Ended)
    }

    fn failed(&mut self, reason: String, died: bool) -> Flow {
        self.lanes.finish(&StateChange::failed(reason.clone()))?;
        ControlFlow::Break(FeedEnd::Failed { reason, died })
    }

    /// A state without sound.
    fn note_state(&mut self, change: StateChange) -> Flow {
        self.running = false;
        self.lanes.pause(&change)
    }

    fn close(&mut self, playing: Playing) {
        let Playing { source, reader, .. } = playing;
        let label = &source.label;
        self.lanes.log_silenced(label);
        tracing::debug!("{label}: {:?}", source.health.snapshot());
        source.stop.stop();
        // The reader goes first, or a source that waits for room in the ring would wait for ever.
        drop(reader);
        source.join();
    }
}
