//! The thread between a source and its streams: takes blocks from the ring, mixes the
//! chosen channels, and passes on what happens to the source, in order.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::audio::{
    AudioFormat, Block, ChannelChoice, ChannelMap, RingReader, SourceEvent, SourceHandle,
};
use crate::frontend::window::WindowLength;
use crate::pipeline::stream::{LossCause, Note, Stream, StreamItem};

/// How long the ring is watched before the events are looked at again.
const RING_WATCH: Duration = Duration::from_millis(20);

/// Which streams are made of a source's channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mixing {
    /// One, the mean of the chosen channels.
    Mean(ChannelChoice),
    /// One for each of the chosen channels.
    Each(ChannelChoice),
}

#[derive(Debug, Clone, PartialEq)]
pub struct FeedOptions {
    pub mixing: Mixing,
    /// Ends the source after so much sound.
    pub limit_s: Option<f64>,
    /// The source goes on by the clock whether it is heard or not (a device), so that a pause is a
    /// loss. A pipe that pauses loses nothing.
    pub live: bool,
}

/// Takes a stream's items; `Break` when it takes no more of them.
pub type StreamOut = Box<dyn FnMut(StreamItem) -> ControlFlow<()> + Send>;

/// How a feed came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEnd {
    /// The source ended or was stopped.
    Ended,
    /// The source failed; `started` when sound had come before.
    Failed { reason: String, started: bool },
    /// The streams' items were no longer taken.
    Refused,
}

/// Feeds the streams of `source` until it ends, in windows of the length that the network looks at.
/// `open` makes a stream's way out: of the channel of that number, or of the mean of all that were
/// chosen.
pub fn feed(
    source: SourceHandle,
    options: FeedOptions,
    window: WindowLength,
    open: impl FnMut(Option<u16>) -> StreamOut,
) -> FeedEnd {
    let mut feed = Feed {
        source,
        options,
        window,
        open,
        lanes: Vec::new(),
        reader: None,
        block: Vec::new(),
        newest_unix_s: None,
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
    /// When the newest frame was captured, Unix time.
    newest_unix_s: Option<f64>,
    /// The source was away: what its clock shows until the next block is lost.
    pause_is_loss: bool,
    /// The streams have been told that sound comes in.
    running: bool,
}

struct Lane {
    choice: ChannelChoice,
    out: StreamOut,
    /// None until the first sound.
    sound: Option<Sound>,
}

struct Sound {
    map: ChannelMap,
    stream: Stream,
    mono: Vec<f32>,
}

type Flow = ControlFlow<FeedEnd>;

impl<O: FnMut(Option<u16>) -> StreamOut> Feed<O> {
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
        let out = (self.open)(channel);
        self.lanes.push(Lane {
            choice,
            out,
            sound: None,
        });
    }

    fn run(&mut self) -> Flow {
        loop {
            let waiting = match &self.reader {
                Some(reader) if !reader.is_closed() => self.source.events.try_recv().ok(),
                // Nothing can come but an event.
                _ => match self.source.events.recv() {
                    Ok(event) => Some(event),
                    Err(_) => {
                        let reason = "its thread has died".into();
                        return self.failed(reason);
                    }
                },
            };
            if let Some(event) = waiting {
                // What the ring still holds came before.
                while self.read(Duration::ZERO)? {}
                self.event(event)?;
            }
            self.read(RING_WATCH)?;
        }
    }

    /// Takes one block; `false` when none came.
    fn read(&mut self, timeout: Duration) -> ControlFlow<FeedEnd, bool> {
        let Some(reader) = &mut self.reader else {
            return ControlFlow::Continue(false);
        };
        let mut samples = std::mem::take(&mut self.block);
        let block = reader.read_timeout(&mut samples, timeout);
        let format = reader.format();
        let flow = match block {
            Some(block) => self.take(block, &mut samples, format),
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
                self.pause_is_loss = self.newest_unix_s.is_some();
                self.running = false;
                self.start(format)
            }
            SourceEvent::Stalled { reason } => {
                // From here on, and not from `Resumed`: the first sound may be there before that.
                self.pause_is_loss = true;
                self.running = false;
                self.tell_all(&Note::Stalled { reason })
            }
            SourceEvent::Resumed => ControlFlow::Continue(()),
            SourceEvent::Reconnecting { reason } => {
                self.running = false;
                self.tell_all(&Note::Reconnecting { reason })
            }
            SourceEvent::Ended => {
                self.lose_at_end()?;
                let stopped = self.source.stop.is_stopped();
                self.end(stopped.then(|| "it was told to stop".into()))
            }
            SourceEvent::Failed { reason } => self.failed(reason),
        }
    }

    /// Makes the streams ready for `format`, their first or another.
    fn start(&mut self, format: AudioFormat) -> Flow {
        if self.lanes.is_empty() {
            let channels: Vec<u16> = (1..=format.channels).collect();
            self.open_channels(&channels);
        }
        for place in 0..self.lanes.len() {
            if let Err(reason) = self.lanes[place].start(format, self.window) {
                return self.failed(reason);
            }
        }
        ControlFlow::Continue(())
    }

    fn take(&mut self, block: Block, samples: &mut Vec<f32>, format: AudioFormat) -> Flow {
        let rate = f64::from(format.rate_hz);
        let end_unix_s = block.captured_unix_ns as f64 / 1e9;
        if block.lost_before_frames > 0 {
            self.each_sound(|sound, emit| {
                sound
                    .stream
                    .lose(block.lost_before_frames, LossCause::RingFull, emit);
            })?;
        }
        if std::mem::take(&mut self.pause_is_loss)
            && self.options.live
            && let Some(newest_s) = self.newest_unix_s
        {
            let frames = ((end_unix_s - newest_s) * rate) as u64;
            let lost = frames.saturating_sub(block.frames + block.lost_before_frames);
            if lost > 0 {
                self.each_sound(|sound, emit| sound.stream.lose(lost, LossCause::Device, emit))?;
            }
        }
        self.newest_unix_s = Some(end_unix_s);
        if !std::mem::replace(&mut self.running, true) {
            self.tell_all(&Note::Running)?;
            self.each_sound(|sound, _| sound.stream.forget_silence())?;
        }
        let over = self.cut_to_limit(samples, format);
        self.each_sound(|sound, emit| {
            sound.mono.clear();
            sound.map.mix(samples, &mut sound.mono);
            sound.stream.push(&sound.mono, end_unix_s, emit);
        })?;
        if over {
            return self.end(Some("it was asked to listen no longer".into()));
        }
        ControlFlow::Continue(())
    }

    /// Leaves out what lies beyond the limit; `true` when the limit is reached.
    fn cut_to_limit(&self, samples: &mut Vec<f32>, format: AudioFormat) -> bool {
        let sound = self.lanes.first().and_then(|lane| lane.sound.as_ref());
        let (Some(limit_s), Some(sound)) = (self.options.limit_s, sound) else {
            return false;
        };
        let left_s = (limit_s - sound.stream.position_s()).max(0.0);
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
        if lost == 0 {
            return ControlFlow::Continue(());
        }
        self.each_sound(|sound, emit| sound.stream.lose(lost, LossCause::RingFull, emit))
    }

    /// The sound is over.
    fn end(&mut self, reason: Option<String>) -> Flow {
        self.each_sound(|sound, emit| sound.stream.finish(emit))?;
        self.tell_all(&Note::Ended { reason })?;
        ControlFlow::Break(FeedEnd::Ended)
    }

    fn failed(&mut self, reason: String) -> Flow {
        let started = self.newest_unix_s.is_some();
        self.each_sound(|sound, emit| sound.stream.finish(emit))?;
        self.tell_all(&Note::Failed {
            reason: reason.clone(),
        })?;
        ControlFlow::Break(FeedEnd::Failed { reason, started })
    }

    fn tell_all(&mut self, note: &Note) -> Flow {
        for lane in &mut self.lanes {
            if (lane.out)(StreamItem::Note(note.clone())).is_break() {
                return ControlFlow::Break(FeedEnd::Refused);
            }
        }
        ControlFlow::Continue(())
    }

    /// Does `work` for every stream that has sound.
    fn each_sound(&mut self, mut work: impl FnMut(&mut Sound, &mut dyn FnMut(StreamItem))) -> Flow {
        for Lane { out, sound, .. } in &mut self.lanes {
            let mut flow = ControlFlow::Continue(());
            if let Some(sound) = sound {
                work(sound, &mut |item| {
                    if flow.is_continue() {
                        flow = out(item);
                    }
                });
            }
            if flow.is_break() {
                return ControlFlow::Break(FeedEnd::Refused);
            }
        }
        ControlFlow::Continue(())
    }

    fn close(self, end: FeedEnd) -> FeedEnd {
        let label = &self.source.label;
        for Sound { map, .. } in self.lanes.iter().filter_map(|lane| lane.sound.as_ref()) {
            map.log_silenced(label);
        }
        let health = self.source.health.snapshot();
        tracing::debug!("{label}: {health:?}");
        self.source.stop.stop();
        // The ring's reader goes first, or a source that waits for room in it would wait on.
        drop(self.reader);
        self.source.join();
        end
    }
}

impl Lane {
    fn start(&mut self, format: AudioFormat, window: WindowLength) -> Result<(), String> {
        let map = ChannelMap::new(&self.choice, format.channels).map_err(|e| e.to_string())?;
        match &mut self.sound {
            Some(sound) => {
                sound.map.log_silenced("before the reconnection");
                sound.map = map;
                // The time away is told when the first block shows it.
                let out = &mut self.out;
                // Of nobody who takes it the next item tells.
                let emit = |item| _ = out(item);
                sound
                    .stream
                    .change_rate(format.rate_hz, emit)
                    .map_err(|e| e.to_string())
            }
            none => {
                let stream = Stream::new(format.rate_hz, window).map_err(|e| e.to_string())?;
                *none = Some(Sound {
                    map,
                    stream,
                    mono: Vec::new(),
                });
                Ok(())
            }
        }
    }
}
