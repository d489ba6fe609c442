//! State machine of one stream: silence, voice, and voice that may have ended.
//!
//! Voice begins when `confirm_n` of the last `confirm_m` probabilities are at or above `enter` (after recent voice at
//! or above `reenter`, see [`Recency`]). It may have ended when as many are below `leave`. The end is reported when the
//! voice has lasted `min_voice_s` and the pause `min_gap_s`; voice that returns earlier continues.
//! The tracker is causal: later probabilities never change a decision.

use std::collections::VecDeque;

use crate::decision::recency::Recency;
use crate::decision::{OperatingPoint, PointError};

/// A change of state. Times are stream time in seconds: the estimated time of the change itself, at or before the frame
/// that revealed it, and never before an earlier event of the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// Voice begins.
    Onset {
        /// Time of the change.
        t_s: f64,
    },
    /// Voice ends.
    Offset {
        /// Time of the change.
        t_s: f64,
        /// Duration of the voice, from the `t_s` of its onset.
        duration_s: f64,
    },
}

/// The decision on one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// The state from this frame on.
    pub voice: bool,
    /// The probability that was decided on.
    pub p: f32,
    /// The change of state that this frame revealed.
    pub event: Option<Event>,
    /// Whether somebody speaks, if the model knows.
    pub speech: Option<SpeechDecision>,
}

/// The decision on speech in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeechDecision {
    /// Whether somebody speaks from this frame on.
    pub present: bool,
    /// The probability that was decided on.
    pub p: f32,
    /// The change that this frame revealed.
    pub event: Option<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Silence,
    /// Voice since `onset_s`.
    Voice {
        onset_s: f64,
    },
    /// Voice that may have ended at `offset_s`, not reported yet.
    Ending {
        onset_s: f64,
        offset_s: f64,
    },
}

/// The votes of the last `confirm_m` windows on whether the state has changed.
#[derive(Debug, Clone, PartialEq)]
struct Votes {
    needed: usize,
    of: usize,
    /// For each window the time of its threshold crossing, if it votes for a change.
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

    /// Adds the newest window's vote. Once enough agree, returns the time of the oldest of them.
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

#[derive(Debug, Clone, Copy, PartialEq)]
struct Frame {
    t_s: f64,
    p: f32,
}

/// Follows the state of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracker {
    point: OperatingPoint,
    state: State,
    votes: Votes,
    recency: Recency,
    /// The frame before this one, unless there is a gap between them.
    previous: Option<Frame>,
    /// Time of the newest event; later ones are not placed before it.
    newest_event_s: f64,
}

impl Tracker {
    /// A tracker in silence.
    ///
    /// # Errors
    ///
    /// The operating point is invalid.
    pub fn new(point: OperatingPoint) -> Result<Self, PointError> {
        point.validate()?;
        Ok(Self {
            point,
            state: State::Silence,
            votes: Votes::new(&point),
            recency: Recency::default(),
            previous: None,
            newest_event_s: f64::NEG_INFINITY,
        })
    }

    /// Goes on where `earlier` is, at this operating point. Votes for a change of state begin anew.
    pub(super) fn take_over(&mut self, earlier: Self) {
        *self = Self {
            point: self.point,
            votes: Votes::new(&self.point),
            ..earlier
        };
    }

    /// Whether the state is voice; a voice that may have ended is voice until its end is reported.
    pub fn is_voice(&self) -> bool {
        self.state != State::Silence
    }

    /// Decides on the frame at stream time `t_s`, in seconds, from its probability of voice `p`, 0 to 1.
    ///
    /// Times must rise between gaps; otherwise the times of events are meaningless. A `p` that is NaN counts for no
    /// change of state.
    pub fn push(&mut self, t_s: f64, p: f32) -> Decision {
        let frame = Frame { t_s, p };
        if let Some(reentry) = self.point.reentry {
            self.recency
                .advance(t_s, self.is_voice(), reentry.recency_s);
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
            speech: None,
        }
    }

    /// Ends the stream, or marks a loss of samples or windows. An open voice is closed at the last frame before the gap,
    /// even if it is then shorter than `min_voice_s`: the sound beyond the gap is unknown.
    pub fn gap(&mut self) -> Option<Event> {
        self.end_at(f64::NEG_INFINITY)
    }

    /// [`Tracker::gap`] where sound is known to go on until `sound_end_s`, beyond the last frame that was decided on:
    /// an open voice is closed there.
    pub fn end_at(&mut self, sound_end_s: f64) -> Option<Event> {
        let previous = self.previous.take().map(|frame| frame.t_s);
        let last_s = previous.map(|last_s| last_s.max(sound_end_s));
        self.votes.clear();
        match std::mem::replace(&mut self.state, State::Silence) {
            State::Silence => None,
            State::Voice { onset_s } => {
                Some(self.offset(onset_s, last_s.unwrap_or(onset_s).max(onset_s)))
            }
            State::Ending { onset_s, offset_s } => {
                let last_s = last_s.unwrap_or(onset_s).max(onset_s);
                Some(self.offset(onset_s, offset_s.min(last_s)))
            }
        }
    }

    /// The threshold at which a voice begins now.
    fn enter(&self) -> f32 {
        match self.point.reentry {
            Some(reentry) if self.recency.is_recent() => reentry.reenter,
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

    /// Changes the state; votes on the old one are void.
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

    /// The time at which the line from the previous frame to this one crosses `threshold`; this frame's time if there is
    /// no previous frame or both lie on the same side.
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
