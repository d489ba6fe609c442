//! One stream's windows and notes into messages: the place where probabilities become decisions.
//! `run` sends the messages to the hub, `detect` collects them, so both say the same.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::decision;
use crate::decision::{Decider, Event};
use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES};
use crate::inference::{Output, Scored};
use crate::pipeline::stream::{LossCause, Note};
use vocald_client::Message;
use vocald_client::message::{
    Decision, Gap, GapReason, Level, Offset, Onset, State, StreamState, Version,
};

/// Skipped windows overlap with the decided ones around them, so a short hole leaves the state as it
/// is; after so many seconds of them nothing is known any more.
const BRIDGED_S: f64 = 1.0;

pub struct Reporter<E: FnMut(Message)> {
    stream: String,
    levels: bool,
    decider: Decider,
    emit: E,
    /// The state that was told last.
    state: Option<StreamState>,
    onsets: u64,
    newest_p: f32,
    /// Unix time at stream time 0, by the newest window.
    start_unix_s: f64,
}

impl<E: FnMut(Message)> Reporter<E> {
    /// `decider` has seen nothing yet. `levels`: tells the level with every window.
    pub fn new(stream: String, decider: Decider, levels: bool, emit: E) -> Self {
        Self {
            stream,
            levels,
            decider,
            emit,
            state: None,
            onsets: 0,
            newest_p: 0.0,
            start_unix_s: 0.0,
        }
    }

    pub fn handle(&mut self, output: Output) {
        match output {
            Output::Scored(scored) => self.decide(&scored),
            Output::Note(note) => self.note(note),
            Output::Skipped {
                first_sample,
                windows,
            } => self.skipped(first_sample, windows),
            Output::Failed { reason } => {
                self.close_voice();
                self.set_state(StreamState::Failed, Some(reason));
            }
        }
    }

    fn decide(&mut self, scored: &Scored) {
        let window = &scored.captured.window;
        let end_s = window.end_sample() as f64 / f64::from(SAMPLE_RATE_HZ);
        let latency_s = unix_now_s() - scored.captured.end_unix_s;
        self.start_unix_s = scored.captured.end_unix_s - end_s;
        let t = window.time_s(self.decider.horizon().frames);
        let answers = &scored.probabilities;
        let Some(decision) = self.decider.window(window.start_sample, t, answers) else {
            return self.set_state(StreamState::Failed, Some("the model gave no answer".into()));
        };
        self.tell_decision(window.seq(), t, decision, latency_s);
        if self.levels {
            let level = scored.captured.level;
            let message = Message::Level(Level {
                v: Version,
                stream: self.stream.clone(),
                t: microseconds(end_s),
                wall: self.wall(end_s),
                rms_db: level.rms_db,
                peak_db: level.peak_db,
                mel: window.newest_frame().to_vec(),
            });
            (self.emit)(message);
        }
    }

    /// Decides by the probability of voice at stream time `t`, the `seq`-th of the stream, from sound
    /// the last of which was captured `latency_s` ago.
    pub fn answer(&mut self, seq: u64, t: f64, p: f32, latency_s: f64) {
        let decision = self.decider.frame(t, p);
        self.tell_decision(seq, t, decision, latency_s);
    }

    fn tell_decision(&mut self, seq: u64, t: f64, decision: decision::Decision, latency_s: f64) {
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
        });
        (self.emit)(message);
        if let Some(event) = decision.event {
            self.tell_event(event);
        }
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Running => self.set_state(StreamState::Running, None),
            Note::Silent => {
                self.set_state(
                    StreamState::Silent,
                    Some("nothing but digital zeros".into()),
                );
            }
            Note::Stalled { reason } => self.set_state(StreamState::Stalled, Some(reason)),
            Note::Reconnecting { reason } => {
                self.close_voice();
                self.set_state(StreamState::Reconnecting, Some(reason));
            }
            Note::Lost { t_s, lost_s, cause } => {
                self.close_voice();
                let reason = match cause {
                    LossCause::RingFull => GapReason::RingFull,
                    LossCause::Device => GapReason::Device,
                };
                self.tell_gap(t_s, lost_s, reason);
            }
            Note::Ended { reason } => {
                self.close_voice();
                self.set_state(StreamState::Ended, reason);
            }
            Note::Failed { reason } => {
                self.close_voice();
                self.set_state(StreamState::Failed, Some(reason));
            }
        }
    }

    fn skipped(&mut self, first_sample: u64, windows: u64) {
        let rate = f64::from(SAMPLE_RATE_HZ);
        let lost_s = (windows * WINDOW_HOP_SAMPLES as u64) as f64 / rate;
        if lost_s > BRIDGED_S {
            self.close_voice();
        }
        self.tell_gap(
            first_sample as f64 / rate,
            lost_s,
            GapReason::InferenceBehind,
        );
    }

    fn close_voice(&mut self) {
        if let Some(event) = self.decider.gap() {
            self.tell_event(event);
        }
    }

    fn tell_event(&mut self, event: Event) {
        let stream = self.stream.clone();
        let message = match event {
            Event::Onset { t_s } => {
                self.onsets += 1;
                Message::Onset(Onset {
                    v: Version,
                    stream,
                    id: self.onsets,
                    t: microseconds(t_s),
                    wall: self.wall(t_s),
                    p: self.newest_p,
                })
            }
            Event::Offset { t_s, duration_s } => Message::Offset(Offset {
                v: Version,
                stream,
                id: self.onsets,
                t: microseconds(t_s),
                wall: self.wall(t_s),
                p: self.newest_p,
                duration: microseconds(duration_s),
            }),
        };
        (self.emit)(message);
    }

    fn tell_gap(&mut self, t_s: f64, lost_s: f64, reason: GapReason) {
        (self.emit)(Message::Gap(Gap {
            v: Version,
            stream: self.stream.clone(),
            t: microseconds(t_s),
            lost: microseconds(lost_s),
            reason,
        }));
    }

    fn set_state(&mut self, state: StreamState, reason: Option<String>) {
        if self.state.replace(state) != Some(state) {
            let stream = self.stream.clone();
            (self.emit)(Message::State(State {
                v: Version,
                stream,
                state,
                reason,
            }));
        }
    }

    fn wall(&self, t_s: f64) -> f64 {
        microseconds(self.start_unix_s + t_s)
    }
}

/// Digits beyond these say nothing and fill the lines.
fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

fn unix_now_s() -> f64 {
    // A clock before 1970 is a clock that was never set; its times mean nothing either way.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
