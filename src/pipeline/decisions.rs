//! Decisions: turns the inference outputs of a stream into the messages that are published.
//!
//! `run` publishes them through the hub, `detect` collects them, so both decide alike.

use std::time::{Duration, Instant, SystemTime};
use std::vec::Drain;

use vocald_client::Message;
use vocald_client::message::{
    Decision, EventReason, Gap, GapReason, Level, State, StateChange, StreamState, Version,
};

use crate::audio::CaptureInstant;
use crate::decision::{self, Decider, Event, Probabilities, SpeechDecision};
use crate::frontend::window::lookahead_s;
use crate::frontend::{HOP_SAMPLES, SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, WindowLength};
use crate::inference::{Loss, NewDecider, Note, Output, ScoredWindow, Skipped};
use crate::pipeline::event_messages::{Class, Events, microseconds};

/// Windows that inference dropped overlap with the decided ones around them, so a short hole leaves the state
/// as it is. After this many seconds of them nothing is known any more, and an open voice is closed.
const BRIDGED_S: f64 = 1.0;

/// The decisions of one stream.
pub struct StreamDecisions {
    stream: String,
    levels: bool,
    decider: Decider,
    /// The decider as it was given, for a start anew.
    fresh: Decider,
    /// Messages of the call under way.
    messages: Vec<Message>,
    /// The state that was published last.
    state: Option<StreamState>,
    /// What is wrong with the source though it runs.
    warning: Option<String>,
    voice: Events,
    speech: Events,
    /// Unix time at stream time 0, by the newest window.
    start_unix_s: f64,
    /// Stream time of the end of the sound, while none arrives.
    sound_end_s: Option<f64>,
    /// Stream time of the newest decision or event.
    newest_s: f64,
    /// The newest frame that was decided on: its stream time and `wall`, which no later frame's may precede.
    newest_frame: (f64, f64),
    /// No voice is published.
    muted: bool,
    /// A voice is published as a test.
    test: Option<Test>,
}

/// A test of what reacts to a voice.
struct Test {
    /// Stream time of its onset.
    onset_s: f64,
    began: Instant,
    until: Instant,
}

impl StreamDecisions {
    /// `decider` is fresh. `levels`: a `level` message with every decision.
    pub fn new(stream: &str, decider: Decider, levels: bool) -> Self {
        Self {
            stream: stream.into(),
            levels,
            fresh: decider.clone(),
            decider,
            messages: Vec::new(),
            state: None,
            warning: None,
            voice: Events::default(),
            speech: Events::default(),
            start_unix_s: 0.0,
            sound_end_s: None,
            newest_s: 0.0,
            newest_frame: (f64::NEG_INFINITY, f64::NEG_INFINITY),
            muted: false,
            test: None,
        }
    }

    /// Whether a `level` message comes with every decision.
    pub fn set_levels(&mut self, levels: bool) {
        self.levels = levels;
    }

    /// Decides by another decider from now on, which goes on where the present one is.
    pub fn change_decider(&mut self, new: NewDecider) {
        self.fresh = new.decider.clone();
        if new.decider.counts() != self.decider.counts() {
            // The open voice is of something else.
            self.close_voice(EventReason::Decision);
        }
        if !new.decider.has_speech()
            && let Some(event) = self.decider.end_speech()
        {
            self.event(Class::Speech, event, EventReason::Decision);
        }
        let earlier = std::mem::replace(&mut self.decider, new.decider);
        self.decider.take_over(earlier, new.same_network);
    }

    /// Publishes no voice any more, or voices again. An open one is closed.
    pub fn set_muted(&mut self, muted: bool) -> Drain<'_, Message> {
        if muted && !self.muted && self.test.is_none() {
            self.close_voice(EventReason::Muted);
        }
        self.muted = muted;
        self.messages.drain(..)
    }

    /// Publishes a voice as a test for `duration`; zero ends it. An open voice is closed.
    pub fn test_for(&mut self, duration: Duration) -> Drain<'_, Message> {
        let now = Instant::now();
        match &mut self.test {
            Some(test) if !duration.is_zero() => test.until = now + duration,
            Some(_) => self.end_test(),
            None if !duration.is_zero() => {
                self.close_voice(EventReason::Test);
                let onset_s = self.newest_s;
                self.test = Some(Test {
                    onset_s,
                    began: now,
                    until: now + duration,
                });
                self.event(
                    Class::Test,
                    Event::Onset { t_s: onset_s },
                    EventReason::Test,
                );
            }
            None => {}
        }
        self.messages.drain(..)
    }

    /// When the test ends, if there is one.
    pub fn test_end(&self) -> Option<Instant> {
        self.test.as_ref().map(|test| test.until)
    }

    /// The test's onset and offset are by the clock: no sound need flow.
    fn end_test(&mut self) {
        let Some(test) = self.test.take() else { return };
        let duration_s = test.began.elapsed().as_secs_f64();
        let t_s = test.onset_s + duration_s;
        self.event(
            Class::Test,
            Event::Offset { t_s, duration_s },
            EventReason::Test,
        );
    }

    /// Whether the stream has failed, so far.
    pub fn has_failed(&self) -> bool {
        self.state == Some(StreamState::Failed)
    }

    /// Takes the next output of the stream and returns the messages it leads to, in order.
    pub fn push(&mut self, output: Output) -> Drain<'_, Message> {
        match output {
            Output::Scored(scored) => self.window(&scored),
            Output::NoPrediction(reason) => {
                self.sound_end_s = None;
                self.state(StateChange::failed(reason.to_string()));
            }
            Output::Note(Note::SoundEnd(t_s)) => self.sound_end_s = Some(t_s),
            Output::Note(Note::State(change)) => self.state(change),
            Output::Note(Note::Lost(loss)) => {
                self.close_voice(EventReason::Gap);
                self.loss(loss);
            }
            Output::Note(Note::Skipped(skipped)) => self.skipped(skipped),
            Output::Note(Note::Decider(new)) => self.change_decider(*new),
            Output::Note(Note::Over) => {}
        }
        self.messages.drain(..)
    }

    /// After a panic: closes an open voice, reports the failure, and decides as at the start.
    pub fn start_anew(&mut self) -> Drain<'_, Message> {
        self.messages.clear();
        self.state(StateChange::failed(
            "its decisions panicked and start anew; see the log",
        ));
        self.decider = self.fresh.clone();
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
        self.decision(seq, t, p, latency_s, false);
        self.messages.drain(..)
    }

    /// Decides on a window that was left out, from the windows before it.
    pub fn push_left_out(&mut self, length: WindowLength, start_sample: u64) -> Drain<'_, Message> {
        let t = length.time_s(start_sample, self.decider.horizon().frames);
        let seq = start_sample / WINDOW_HOP_SAMPLES as u64;
        if let Some(p) = self.decider.probability_left_out(start_sample, t) {
            self.decision(seq, t, p, 0.0, false);
        }
        self.messages.drain(..)
    }

    fn window(&mut self, scored: &ScoredWindow) {
        let window = &scored.window;
        self.sound_end_s = None;
        if self.has_failed() {
            self.state(StateChange::running());
        }
        let end_s = window.end_sample() as f64 / f64::from(SAMPLE_RATE_HZ);
        let latency_s = CaptureInstant::now().seconds() - window.captured.monotonic_s;
        self.start_unix_s = window.captured.unix_s - end_s;
        let t = window.time_s(self.decider.horizon().frames);
        let Some(p) = self.decider.probability(window, &scored.probabilities) else {
            return self.state(StateChange::failed("the model gave no prediction"));
        };
        self.decision(window.seq(), t, p, latency_s, scored.late);
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
        p: impl Into<Probabilities>,
        latency_s: f64,
        late: bool,
    ) {
        let (p, test) = (p.into(), self.test.is_some());
        // While a test or mute replaces the decisions, the voice is not followed: afterwards it begins from silence.
        let decision = match test || self.muted {
            true => decision::Decision {
                voice: test,
                p: p.voice,
                event: None,
                speech: p.speech.map(|p| SpeechDecision {
                    present: false,
                    p,
                    event: None,
                }),
            },
            false => self.decider.frame(t, p),
        };
        self.voice.newest_p = decision.p;
        self.newest_s = self.newest_s.max(t);
        let (mut wall, (newest_t, newest_wall)) = (self.wall(t), self.newest_frame);
        if t > newest_t {
            wall = wall.max(newest_wall);
            self.newest_frame = (t, wall);
        }
        let message = Message::Decision(Decision {
            v: Version,
            stream: self.stream.clone(),
            seq,
            t: microseconds(t),
            wall,
            p: decision.p,
            voice: decision.voice,
            lookahead: microseconds(lookahead_s(self.decider.horizon().frames)),
            latency: microseconds(latency_s),
            late,
            test,
            speech_p: decision.speech.map(|speech| speech.p),
            speech: decision.speech.map(|speech| speech.present),
        });
        self.messages.push(message);
        if let Some(event) = decision.event {
            self.event(Class::Voice, event, EventReason::Decision);
        }
        if let Some(speech) = decision.speech {
            self.speech.newest_p = speech.p;
            if let Some(event) = speech.event {
                self.event(Class::Speech, event, EventReason::Decision);
            }
        }
    }

    fn state(&mut self, StateChange { state, reason }: StateChange) {
        if !state.has_sound() {
            self.end_test();
        }
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
                counts: self.decider.counts(),
            }));
        }
    }

    /// The gap is where the frames are that would have been decided on.
    fn skipped(&mut self, skipped: Skipped) {
        let lookahead_samples = self.decider.horizon().frames as usize * HOP_SAMPLES;
        let lost_samples = skipped.windows * WINDOW_HOP_SAMPLES as u64;
        let loss = Loss {
            t_s: skipped.newest_frame_s - lookahead_samples as f64 / f64::from(SAMPLE_RATE_HZ),
            lost_s: lost_samples as f64 / f64::from(SAMPLE_RATE_HZ),
            reason: GapReason::InferenceBehind,
        };
        if loss.lost_s > BRIDGED_S {
            self.close_voice(EventReason::Gap);
        }
        self.loss(loss);
    }

    fn loss(&mut self, loss: Loss) {
        self.messages.push(Message::Gap(Gap {
            v: Version,
            stream: self.stream.clone(),
            t: microseconds(loss.t_s),
            lost: microseconds(loss.lost_s),
            reason: loss.reason,
        }));
    }

    fn close_voice(&mut self, reason: EventReason) {
        let closed = match self.sound_end_s {
            Some(t_s) => self.decider.end_at(t_s),
            None => self.decider.gap(),
        };
        if let Some(event) = closed.voice {
            self.event(Class::Voice, event, reason);
        }
        if let Some(event) = closed.speech {
            self.event(Class::Speech, event, reason);
        }
    }

    fn event(&mut self, class: Class, event: Event, reason: EventReason) {
        let (Event::Onset { t_s } | Event::Offset { t_s, .. }) = event;
        let wall = match class {
            Class::Test => unix_now_s(),
            Class::Voice | Class::Speech => self.wall(t_s),
        };
        self.newest_s = self.newest_s.max(t_s);
        let events = match class {
            Class::Voice | Class::Test => &mut self.voice,
            Class::Speech => &mut self.speech,
        };
        let message = events.message(&self.stream, class, event, wall, reason);
        self.messages.push(message);
    }

    fn wall(&self, t_s: f64) -> f64 {
        microseconds(self.start_unix_s + t_s)
    }
}

fn unix_now_s() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    microseconds(since.unwrap_or_default().as_secs_f64())
}
