//! State of one stream: its last minute and its present condition.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::lamp::Lamp;
use vocald_client::Message;
use vocald_client::message::{
    Decision, Gap, Level, Onset, StreamSettings, StreamState, StreamStatus, Thresholds,
};

/// Stream time shown by the charts, in seconds.
pub const SPAN_S: f64 = 60.0;
/// Slightly more is kept, for the column at the edge.
const KEPT_S: f64 = SPAN_S + 5.0;
/// Far more than a minute has: a daemon with a shorter hop cannot fill the memory.
const KEPT_MAX: usize = 4096;
const EVENTS_MAX: usize = 64;
const BANDS_MAX: usize = 512;
/// Range of ln(mel magnitude) in the lowest band that the spectrum shows. Music is fainter at high frequencies,
/// so both limits fall with the band, by `MEL_FALL` up to the highest.
const MEL_STILL: f32 = -5.5;
const MEL_LOUD: f32 = 2.0;
const MEL_FALL: f32 = 4.5;
/// Fall of the peak's mark with each level message, in dB.
const PEAK_FALL_DB: f32 = 1.0;

pub struct Stream {
    pub name: String,
    pub state: StreamState,
    /// Reason of the state, for people.
    pub reason: Option<String>,
    pub thresholds: Option<Thresholds>,
    /// Whether no voice is published, whatever sounds.
    pub muted: bool,
    /// Whether the voice that is present is a test.
    pub testing: bool,
    pub decisions: VecDeque<Point>,
    pub spans: VecDeque<Span>,
    pub gaps: VecDeque<(f64, f64)>,
    pub columns: VecDeque<Column>,
    /// Newest last.
    pub events: VecDeque<Event>,
    pub newest: Option<Decision>,
    pub level: Option<Level>,
    /// Recent peak, falling slowly, in dB of full scale.
    pub peak_db: f32,
    pub lost_s: f64,
    /// Newest stream time, in seconds.
    pub now_s: f64,
    /// Arrival of the newest decision or level.
    last_message: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub t: f64,
    pub p: f32,
}

/// A voice segment, from onset to offset, in stream time (s).
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub id: u64,
    pub from: f64,
    /// `None` while the voice is present.
    pub to: Option<f64>,
}

/// A column of the spectrum: per band, 0 quiet to 255 loud.
pub struct Column {
    pub t: f64,
    pub bands: Vec<u8>,
}

pub struct Event {
    pub t: f64,
    pub what: What,
}

pub enum What {
    Voice { id: u64, duration_s: Option<f64> },
    Lost { s: f64, why: &'static str },
    State(StreamState),
}

impl Stream {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: StreamState::Starting,
            reason: None,
            thresholds: None,
            muted: false,
            testing: false,
            decisions: VecDeque::new(),
            spans: VecDeque::new(),
            gaps: VecDeque::new(),
            columns: VecDeque::new(),
            events: VecDeque::new(),
            newest: None,
            level: None,
            peak_db: f32::NEG_INFINITY,
            lost_s: 0.0,
            now_s: 0.0,
            last_message: None,
        }
    }

    /// The name without the leading folders of a file's path.
    pub fn short_name(&self) -> &str {
        let mut slashes = self.name.rmatch_indices('/').map(|(at, _)| at);
        slashes.nth(1).map_or(&self.name, |at| &self.name[at + 1..])
    }

    pub fn take(&mut self, message: Message, at: Instant) {
        match message {
            Message::Decision(decision) => self.take_decision(decision, at),
            Message::Level(level) => self.take_level(level, at),
            Message::Onset(onset) => self.take_onset(&onset),
            Message::Offset(offset) => {
                self.testing &= !offset.test;
                self.close(offset.id, offset.t);
            }
            Message::Gap(gap) => self.take_gap(&gap),
            Message::State(state) => self.take_state(state.state, state.reason),
            Message::Settings(settings) => self.take_settings(&settings.settings),
            Message::SpeechOnset(_)
            | Message::SpeechOffset(_)
            | Message::Hello(_)
            | Message::Sink(_)
            | Message::Reload(_)
            | Message::Lock(_)
            | Message::Reply(_)
            | Message::Lagged(_)
            | Message::Refused(_) => {}
        }
    }

    /// Applies the state at the start of a connection.
    pub fn take_status(&mut self, status: &StreamStatus) {
        let present = status.onset.as_ref().map(|onset| onset.id);
        // Segments that ended while there was no connection.
        let over = |span: &&Span| span.to.is_none() && Some(span.id) != present;
        while let Some(id) = self.spans.iter().find(over).map(|span| span.id) {
            self.close(id, self.now_s);
        }
        self.testing = false;
        if let Some(onset) = &status.onset {
            self.take_onset(onset);
        }
        self.take_state(status.state, status.reason.clone());
        if let Some(settings) = &status.settings {
            self.take_settings(settings);
        }
    }

    fn take_settings(&mut self, settings: &StreamSettings) {
        let decision = &settings.decision;
        self.thresholds = Some(Thresholds {
            enter: decision.enter,
            reenter: decision.reenter,
            leave: decision.leave,
        });
        self.muted = settings.muted;
    }

    fn take_decision(&mut self, decision: Decision, at: Instant) {
        if self
            .newest
            .as_ref()
            .is_some_and(|newest| decision.seq < newest.seq)
        {
            self.restart(decision.t);
        }
        self.decisions.push_back(Point {
            t: decision.t,
            p: decision.p,
        });
        self.tick(decision.t, at);
        self.newest = Some(decision);
    }

    fn take_level(&mut self, level: Level, at: Instant) {
        self.peak_db = level.peak_db.max(self.peak_db - PEAK_FALL_DB);
        let bands = level.mel.len().min(BANDS_MAX);
        let loudness = |(band, &x): (usize, &f32)| {
            let fall = MEL_FALL * band as f32 / (bands.max(2) - 1) as f32;
            let share = (x + fall - MEL_STILL) / (MEL_LOUD - MEL_STILL);
            (share.clamp(0.0, 1.0) * 255.0) as u8
        };
        self.columns.push_back(Column {
            t: level.t,
            bands: level
                .mel
                .iter()
                .take(bands)
                .enumerate()
                .map(loudness)
                .collect(),
        });
        self.tick(level.t, at);
        self.level = Some(level);
    }

    fn take_onset(&mut self, onset: &Onset) {
        self.testing = onset.test;
        let known = |span: &Span| span.id == onset.id && span.to.is_none();
        if self.spans.iter().any(known) {
            return;
        }
        self.spans.push_back(Span {
            id: onset.id,
            from: onset.t,
            to: None,
        });
        self.log(
            onset.t,
            What::Voice {
                id: onset.id,
                duration_s: None,
            },
        );
    }

    fn close(&mut self, id: u64, t: f64) {
        let open = |span: &&mut Span| span.id == id && span.to.is_none();
        let Some(span) = self.spans.iter_mut().find(open) else {
            return;
        };
        span.to = Some(t);
        let duration = t - span.from;
        for event in &mut self.events {
            if let What::Voice { id: of, duration_s } = &mut event.what
                && *of == id
                && duration_s.is_none()
            {
                *duration_s = Some(duration);
            }
        }
    }

    fn take_gap(&mut self, gap: &Gap) {
        self.gaps.push_back((gap.t, gap.t + gap.lost));
        self.lost_s += gap.lost.max(0.0);
        let why = gap.reason.word();
        self.log(gap.t, What::Lost { s: gap.lost, why });
    }

    fn take_state(&mut self, state: StreamState, reason: Option<String>) {
        if state != self.state {
            self.log(self.now_s, What::State(state));
        }
        (self.state, self.reason) = (state, reason);
    }

    fn log(&mut self, t: f64, what: What) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(Event { t, what });
    }

    /// The daemon was restarted: drop what belongs to the earlier stream time.
    fn restart(&mut self, t: f64) {
        self.spans
            .retain(|span| span.to.is_none() && span.from <= t);
        self.decisions.clear();
        self.gaps.clear();
        self.columns.clear();
        self.events.clear();
        self.lost_s = 0.0;
        self.now_s = 0.0;
    }

    fn tick(&mut self, t: f64, at: Instant) {
        self.last_message = Some(at);
        self.now_s = self.now_s.max(t);
        let from = self.now_s - KEPT_S;
        trim(&mut self.decisions, |point| point.t < from);
        trim(&mut self.columns, |column| column.t < from);
        trim(&mut self.gaps, |&(_, to)| to < from);
        trim(&mut self.spans, |span| span.to.is_some_and(|to| to < from));
    }

    /// Time without messages where messages are due, if longer than `patience`.
    pub fn missing(&self, now: Instant, patience: Duration) -> Option<Duration> {
        let due = matches!(self.state, StreamState::Running | StreamState::Silent);
        let silence = now.saturating_duration_since(self.last_message?);
        (due && silence > patience).then_some(silence)
    }

    pub fn lamp(&self) -> Lamp {
        match self.state {
            // A test needs no sound.
            _ if self.testing => Lamp::Voice,
            StreamState::Starting | StreamState::Waiting => Lamp::Waiting,
            StreamState::Running => match &self.newest {
                None => Lamp::Waiting,
                Some(newest) if newest.voice => Lamp::Voice,
                Some(_) if self.muted => Lamp::Muted,
                Some(_) => Lamp::NoVoice,
            },
            StreamState::Silent => Lamp::Silent,
            StreamState::Stalled => Lamp::Stalled,
            StreamState::Reconnecting => Lamp::SourceLost,
            StreamState::Ended => Lamp::Ended,
            StreamState::Failed => Lamp::Failed,
            StreamState::Unknown => Lamp::Other,
        }
    }

    /// Whether a voice is present at any time between `from` and `to`.
    pub fn voiced(&self, from: f64, to: f64) -> bool {
        let meets = |span: &Span| span.from < to && span.to.unwrap_or(self.now_s) > from;
        self.spans.iter().any(meets)
    }
}

fn trim<T>(kept: &mut VecDeque<T>, over: impl Fn(&T) -> bool) {
    while kept.len() > KEPT_MAX || kept.front().is_some_and(&over) {
        kept.pop_front();
    }
}
