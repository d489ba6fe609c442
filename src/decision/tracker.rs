//! One stream's state machine: silence, voice, and voice that seems to be over.
//!
//! Voice begins when `confirm_n` of the last `confirm_m` probabilities are at `enter` or above (at
//! `again.enter`, where a voice has been heard lately: [`Recency`]), and is over when as many are below
//! `leave`. That it is over is told only when it has lasted `min_voice_s` and stayed away for
//! `min_gap_s`; voice that returns before then was never gone.
//! Nothing here looks ahead: a decision never changes by what comes after it.

use std::collections::VecDeque;

use crate::decision::OperatingPoint;
use crate::decision::recency::Recency;

/// A change of state. Times are stream time in seconds: the estimated time of the change itself,
/// at or before the frame that made it known, and never before an earlier event of the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    Onset {
        t_s: f64,
    },
    /// `duration_s` counts from the onset's `t_s`.
    Offset {
        t_s: f64,
        duration_s: f64,
    },
}

/// What one probability led to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// The state from this frame on.
    pub voice: bool,
    /// The probability as it came in.
    pub p: f32,
    /// The change of state that this frame made known.
    pub event: Option<Event>,
}

/// Why an operating point cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PointError(&'static str);

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Silence,
    /// Voice since `onset_s`.
    Voice {
        onset_s: f64,
    },
    /// Voice that seems over since `offset_s`, not told yet.
    Ending {
        onset_s: f64,
        offset_s: f64,
    },
}

/// The last `confirm_m` answers to one question, "has the state changed?".
#[derive(Debug, Clone)]
struct Votes {
    needed: usize,
    of: usize,
    /// For each window, the time of the crossing where it says that the state has changed.
    crossings_s: VecDeque<Option<f64>>,
}

impl Votes {
    fn new(point: &OperatingPoint) -> Self {
        let of = point.confirm_m as usize;
        Self {
            needed: point.confirm_n as usize,
            of,
            crossings_s: VecDeque::with_capacity(of),
        }
    }

    fn clear(&mut self) {
        self.crossings_s.clear();
    }

    /// Takes the newest window's vote. Once enough agree, the time of the oldest of them.
    fn add(&mut self, crossing_s: Option<f64>) -> Option<f64> {
        if self.crossings_s.len() == self.of {
            self.crossings_s.pop_front();
        }
        self.crossings_s.push_back(crossing_s);
        let mut agreeing = self.crossings_s.iter().flatten();
        let oldest = *agreeing.next()?;
        (agreeing.count() + 1 >= self.needed).then_some(oldest)
    }
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    t_s: f64,
    p: f32,
}

/// Follows one stream.
#[derive(Debug, Clone)]
pub struct Tracker {
    point: OperatingPoint,
    state: State,
    votes: Votes,
    memory: Recency,
    /// The frame before this one, unless a gap lies between.
    previous: Option<Frame>,
    /// Time of the newest event: none may be earlier.
    newest_event_s: f64,
}

impl Tracker {
    pub fn new(point: OperatingPoint) -> Result<Self, PointError> {
        if let Some(fault) = point.fault() {
            return Err(PointError(fault));
        }
        Ok(Self {
            point,
            state: State::Silence,
            votes: Votes::new(&point),
            memory: Recency::new(),
            previous: None,
            newest_event_s: f64::NEG_INFINITY,
        })
    }

    pub fn is_voice(&self) -> bool {
        self.state != State::Silence
    }

    /// Takes the probability of voice at stream time `t_s`. Times must rise and `p` lie in 0 to 1.
    pub fn push(&mut self, t_s: f64, p: f32) -> Decision {
        let frame = Frame { t_s, p };
        if let Some(reentry) = self.point.reentry {
            self.memory.pass(t_s, self.is_voice(), reentry.recency_s);
        }
        let event = match self.state {
            State::Silence => self.in_silence(frame),
            State::Voice { onset_s } => self.in_voice(frame, onset_s),
            State::Ending { onset_s, offset_s } => self.in_ending(frame, onset_s, offset_s),
        };
        self.previous = Some(frame);
        Decision {
            voice: self.is_voice(),
            p,
            event,
        }
    }

    /// Samples or windows were lost: what lies on the other side is unknown, so an open voice is
    /// closed at the last frame before the gap (which may cut it shorter than `min_voice_s`).
    pub fn gap(&mut self) -> Option<Event> {
        let last_s = self.previous.take().map(|frame| frame.t_s);
        self.votes.clear();
        match std::mem::replace(&mut self.state, State::Silence) {
            State::Silence => None,
            State::Voice { onset_s } => {
                Some(self.offset(onset_s, last_s.unwrap_or(onset_s).max(onset_s)))
            }
            State::Ending { onset_s, offset_s } => {
                let heard_s = last_s.unwrap_or(onset_s).max(onset_s);
                Some(self.offset(onset_s, offset_s.min(heard_s)))
            }
        }
    }

    /// The stream is over: an open voice is closed at its last frame.
    pub fn finish(&mut self) -> Option<Event> {
        self.gap()
    }

    /// What it takes now for a voice to begin.
    fn enter(&self) -> f32 {
        match self.point.reentry {
            Some(reentry) if self.memory.holds_a_voice() => reentry.reenter,
            _ => self.point.enter,
        }
    }

    fn in_silence(&mut self, frame: Frame) -> Option<Event> {
        let enter = self.enter();
        let vote = (frame.p >= enter).then(|| self.crossing_s(frame, enter));
        let t_s = self.votes.add(vote)?.max(self.newest_event_s);
        self.change(State::Voice { onset_s: t_s });
        self.newest_event_s = t_s;
        Some(Event::Onset { t_s })
    }

    fn in_voice(&mut self, frame: Frame, onset_s: f64) -> Option<Event> {
        let leave = self.point.leave;
        let vote = (frame.p < leave).then(|| self.crossing_s(frame, leave));
        let over_s = self.votes.add(vote)?;
        let offset_s = over_s.max(onset_s + f64::from(self.point.min_voice_s));
        self.change(State::Ending { onset_s, offset_s });
        self.end_if_due(frame, onset_s, offset_s)
    }

    fn in_ending(&mut self, frame: Frame, onset_s: f64, offset_s: f64) -> Option<Event> {
        let vote = (frame.p >= self.enter()).then_some(frame.t_s);
        if self.votes.add(vote).is_some() {
            self.change(State::Voice { onset_s });
            return None;
        }
        self.end_if_due(frame, onset_s, offset_s)
    }

    fn end_if_due(&mut self, frame: Frame, onset_s: f64, offset_s: f64) -> Option<Event> {
        if frame.t_s < offset_s + f64::from(self.point.min_gap_s) {
            return None;
        }
        self.change(State::Silence);
        Some(self.offset(onset_s, offset_s))
    }

    /// Votes on the old state say nothing about the new one.
    fn change(&mut self, state: State) {
        self.state = state;
        self.votes.clear();
    }

    fn offset(&mut self, onset_s: f64, t_s: f64) -> Event {
        self.newest_event_s = t_s;
        Event::Offset {
            t_s,
            duration_s: t_s - onset_s,
        }
    }

    /// When the line from the previous frame to this one meets `threshold`; this frame's time
    /// where there is no previous frame or both lie on the same side.
    fn crossing_s(&self, frame: Frame, threshold: f32) -> f64 {
        let Some(previous) = self.previous else {
            return frame.t_s;
        };
        if (previous.p >= threshold) == (frame.p >= threshold) {
            return frame.t_s;
        }
        let rise = f64::from(frame.p) - f64::from(previous.p);
        let part = (f64::from(threshold) - f64::from(previous.p)) / rise;
        previous.t_s + part.clamp(0.0, 1.0) * (frame.t_s - previous.t_s)
    }
}
