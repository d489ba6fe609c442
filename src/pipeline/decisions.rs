//! Decisions: turns the inference outputs of a stream into the messages that are published.
//!
//! `run` publishes them through the hub, `detect` collects them, so both decide alike.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::vec::Drain;

use crossbeam_channel::Receiver;
use vocald_client::Message;
use vocald_client::message::{
    Decision, EventReason, Gap, GapReason, Level, Offset, Onset, State, StateChange, StreamState,
    Version,
};

use crate::audio::CaptureInstant;
use crate::decision::{self, Decider, Event};
use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, WindowLength};
use crate::inference::{Loss, Note, Output, ScoredWindow, StreamOutput};
use crate::pulse::Pulse;
use crate::restarts::{RESTARTS_MAX, Restarts};

/// Windows that inference dropped overlap with the decided ones around them, so a short hole leaves the state
/// as it is. After this many seconds of them nothing is known any more, and an open voice is closed.
const BRIDGED_S: f64 = 1.0;

/// Decides on every output and hands the messages to `publish`, until no stream can send any more. A panic is a
/// failure of its stream, whose decisions start anew.
///
/// # Errors
/// [`TooManyPanics`]; the streams are then left as they are.
pub fn decide(
    outputs: &Receiver<StreamOutput>,
    decider: &Decider,
    levels: bool,
    pulse: &Pulse,
    mut publish: impl FnMut(Message),
) -> Result<(), TooManyPanics> {
    let mut streams: BTreeMap<Arc<str>, StreamDecisions> = BTreeMap::new();
    let mut restarts = Restarts::default();
    for StreamOutput { stream, output } in outputs {
        let at_work = pulse.at_work();
        let decisions = streams
            .entry(Arc::clone(&stream))
            .or_insert_with_key(|name| StreamDecisions::new(name, decider.clone(), levels));
        let push = || decisions.push(output).collect::<Vec<_>>();
        let messages = catch_unwind(AssertUnwindSafe(push)).or_else(|_| {
            tracing::error!("the decisions of {stream} panicked; they start anew");
            restarts.next_wait().ok_or(TooManyPanics)?;
            Ok(decisions.start_anew(decider.clone()).collect())
        })?;
        drop(at_work);
        messages.into_iter().for_each(&mut publish);
    }
    Ok(())
}

/// The decisions panic again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the decisions panicked {RESTARTS_MAX} times within a minute; see the log above")]
pub struct TooManyPanics;

/// The decisions of one stream.
pub struct StreamDecisions {
    stream: String,
    levels: bool,
    decider: Decider,
    /// Messages of the call under way.
    messages: Vec<Message>,
    /// The state that was published last.
    state: Option<StreamState>,
    /// What is wrong with the source though it runs.
    warning: Option<String>,
    onsets: u64,
    newest_p: f32,
    /// Unix time at stream time 0, by the newest window.
    start_unix_s: f64,
    /// `wall` of the newest event: none may be earlier.
    newest_event_wall: f64,
    /// Stream time of the end of the sound, while none arrives.
    sound_end_s: Option<f64>,
}

impl StreamDecisions {
    /// `decider` is fresh. `levels`: a `level` message with every decision.
    pub fn new(stream: &str, decider: Decider, levels: bool) -> Self {
        Self {
            stream: stream.into(),
            levels,
            decider,
            messages: Vec::new(),
            state: None,
            warning: None,
            onsets: 0,
            newest_p: 0.0,
            start_unix_s: 0.0,
            newest_event_wall: 0.0,
            sound_end_s: None,
        }
    }

    /// Takes the next output of the stream and returns the messages it leads to, in order.
    pub fn push(&mut self, output: Output) -> Drain<'_, Message> {
        match output {
            Output::Scored(scored) => self.window(&scored),
            Output::Note(Note::SoundEnd(t_s)) => self.sound_end_s = Some(t_s),
            Output::Note(Note::State(change)) => self.state(change),
            Output::Note(Note::Lost(loss)) => self.loss(loss),
        }
        self.messages.drain(..)
    }

    /// After a panic: closes an open voice, reports the failure, and decides with `decider`, a fresh one.
    fn start_anew(&mut self, decider: Decider) -> Drain<'_, Message> {
        self.messages.clear();
        self.state(StateChange::failed(
            "its decisions panicked and start anew; see the log",
        ));
        self.decider = decider;
        self.messages.drain(..)
    }

    /// Decides on one probability that needs no averaging: `p` at stream time `t` of the `seq`-th decision, from
    /// sound the last of which was captured `latency_s` ago.
    pub fn push_probability(
        &mut self,
        seq: u64,
        t: f64,
        p: f32,
        latency_s: f64,
    ) -> Drain<'_, Message> {
        let decision = self.decider.frame(t, p);
        self.decision(seq, t, decision, latency_s, false);
        self.messages.drain(..)
    }

    /// Decides on a window that was left out, from the windows before it.
    pub fn push_left_out(&mut self, length: WindowLength, start_sample: u64) -> Drain<'_, Message> {
        let t = length.time_s(start_sample, self.decider.horizon().frames);
        let seq = start_sample / WINDOW_HOP_SAMPLES as u64;
        if let Some(decision) = self.decider.window_left_out(start_sample, t) {
            self.decision(seq, t, decision, 0.0, false);
        }
        self.messages.drain(..)
    }

    fn window(&mut self, scored: &ScoredWindow) {
        let window = &scored.window;
        self.sound_end_s = None;
        if self.state == Some(StreamState::Failed) {
            self.state(StateChange::running());
        }
        let end_s = window.end_sample() as f64 / f64::from(SAMPLE_RATE_HZ);
        let latency_s = CaptureInstant::now().seconds() - window.captured.monotonic_s;
        self.start_unix_s = window.captured.unix_s - end_s;
        let t = window.time_s(self.decider.horizon().frames);
        let decision = self
            .decider
            .window(window.start_sample, t, &scored.probabilities);
        let Some(decision) = decision else {
            return self.state(StateChange::failed("the model gave no prediction"));
        };
        self.decision(window.seq(), t, decision, latency_s, scored.late);
        if self.levels {
            let message = Message::Level(Level {
                v: Version,
                stream: self.stream.clone(),
                t: microseconds(end_s),
                wall: self.wall(end_s),
                rms_db: window.level.rms_db,
                peak_db: window.level.peak_db,
                mel: window.newest_frame().to_vec(),
            });
            self.messages.push(message);
        }
    }

    fn decision(
        &mut self,
        seq: u64,
        t: f64,
        decision: decision::Decision,
        latency_s: f64,
        late: bool,
    ) {
        self.newest_p = decision.p;
        let message = Message::Decision(Decision {
            v: Version,
            stream: self.stream.clone(),
            seq,
            t: microseconds(t),
            wall: self.wall(t),
            p: decision.p,
            voice: decision.voice,
            lookahead: microseconds(lookahead_s(self.decider.horizon().frames)),
            latency: microseconds(latency_s),
            late,
        });
        self.messages.push(message);
        if let Some(event) = decision.event {
            self.event(event, EventReason::Decision);
        }
    }

    fn state(&mut self, StateChange { state, reason }: StateChange) {
        match state {
            StreamState::Stalled => self.close_voice(EventReason::Stalled),
            StreamState::Waiting | StreamState::Reconnecting => self.close_voice(EventReason::Lost),
            StreamState::Ended => self.close_voice(EventReason::Ended),
            StreamState::Failed => self.close_voice(EventReason::Failed),
            StreamState::Starting
            | StreamState::Running
            | StreamState::Silent
            | StreamState::Unknown => {}
        }
        let warning = reason.clone().filter(|_| state == StreamState::Running);
        let warning_changed = warning != self.warning;
        self.warning = warning;
        if self.state.replace(state) != Some(state) || warning_changed {
            if let Some(warning) = &self.warning {
                tracing::warn!("{}: {warning}", self.stream);
            }
            let stream = self.stream.clone();
            self.messages.push(Message::State(State {
                v: Version,
                stream,
                state,
                reason,
            }));
        }
    }

    fn loss(&mut self, loss: Loss) {
        if loss.reason != GapReason::InferenceBehind || loss.lost_s > BRIDGED_S {
            self.close_voice(EventReason::Gap);
        }
        self.messages.push(Message::Gap(Gap {
            v: Version,
            stream: self.stream.clone(),
            t: microseconds(loss.t_s),
            lost: microseconds(loss.lost_s),
            reason: loss.reason,
        }));
    }

    fn close_voice(&mut self, reason: EventReason) {
        let event = match self.sound_end_s {
            Some(t_s) => self.decider.end_at(t_s),
            None => self.decider.gap(),
        };
        if let Some(event) = event {
            self.event(event, reason);
        }
    }

    fn event(&mut self, event: Event, reason: EventReason) {
        let stream = self.stream.clone();
        let (Event::Onset { t_s } | Event::Offset { t_s, .. }) = event;
        self.newest_event_wall = self.wall(t_s).max(self.newest_event_wall);
        let wall = self.newest_event_wall;
        let message = match event {
            Event::Onset { t_s } => {
                self.onsets += 1;
                Message::Onset(Onset {
                    v: Version,
                    stream,
                    id: self.onsets,
                    t: microseconds(t_s),
                    wall,
                    p: self.newest_p,
                    reason,
                })
            }
            Event::Offset { t_s, duration_s } => Message::Offset(Offset {
                v: Version,
                stream,
                id: self.onsets,
                t: microseconds(t_s),
                wall,
                p: self.newest_p,
                duration: microseconds(duration_s),
                reason,
            }),
        };
        self.messages.push(message);
    }

    fn wall(&self, t_s: f64) -> f64 {
        microseconds(self.start_unix_s + t_s)
    }
}

/// Rounds to microseconds: digits beyond them carry no information.
fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
