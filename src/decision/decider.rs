//! The decisions of one stream at one horizon.

use vocald_client::message::Counts;

use crate::decision::either::Either;
use crate::decision::gate::{Gate, NO_GATE_DB};
use crate::decision::{
    Decision, Event, OperatingPoint, OverlapAverage, PointError, SpeechDecision, Suppression,
    Tracker,
};
use crate::frontend::{SAMPLE_RATE_HZ, Window};

/// The output of a network that is decided on, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// Its place among the model's horizons.
    pub index: usize,
    /// Distance of the predicted frame from the window's last frame, in frames.
    pub frames: u32,
    /// How probabilities become decisions.
    pub point: OperatingPoint,
    /// The second output, if the model has it.
    pub speech: Option<SpeechHorizon>,
}

/// The output for speech at a horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeechHorizon {
    /// How its probabilities become decisions.
    pub point: OperatingPoint,
    /// How they lower the probability of voice; `None`: not at all.
    pub suppression: Option<Suppression>,
}

/// The probabilities at one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probabilities {
    /// That somebody sings.
    pub voice: f32,
    /// That somebody speaks, if the model has that output.
    pub speech: Option<f32>,
}

impl From<f32> for Probabilities {
    /// Of voice alone.
    fn from(voice: f32) -> Self {
        Self {
            voice,
            speech: None,
        }
    }
}

/// Speech is to count in a stream, and the model has no output for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("speech cannot count: the model has no output for it")]
pub struct NoSpeechOutput;

/// Ends of what was present.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Closed {
    /// The end of what counts.
    pub voice: Option<Event>,
    /// The end of speech.
    pub speech: Option<Event>,
}

/// Turns the outputs of a network on one stream into decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Decider {
    horizon: Horizon,
    overlap: OverlapAverage,
    singing: Tracker,
    speech: Option<Speech>,
    counts: Counts,
    either: Either,
    gate: Gate,
    /// Stream time of the newest frame that was decided on, in seconds.
    decided_s: f64,
}

#[derive(Debug, Clone, PartialEq)]
struct Speech {
    overlap: OverlapAverage,
    tracker: Tracker,
    suppression: Option<Suppression>,
}

impl Decider {
    /// A decider for a new stream in which singing counts. `overlap` belongs to the same model as `horizon`.
    ///
    /// # Errors
    ///
    /// An operating point of `horizon` is invalid.
    pub fn new(overlap: OverlapAverage, horizon: Horizon) -> Result<Self, PointError> {
        let speech = |speech: SpeechHorizon| {
            Ok::<_, PointError>(Speech {
                overlap: overlap.clone(),
                tracker: Tracker::new(speech.point)?,
                suppression: speech.suppression,
            })
        };
        Ok(Self {
            horizon,
            singing: Tracker::new(horizon.point)?,
            speech: horizon.speech.map(speech).transpose()?,
            overlap,
            counts: Counts::default(),
            either: Either::default(),
            gate: Gate::new(NO_GATE_DB),
            decided_s: f64::NEG_INFINITY,
        })
    }

    /// With a gate: sound below `threshold_db`, in dB of full scale, is neither voice nor speech.
    #[must_use]
    pub fn with_gate(self, threshold_db: f32) -> Self {
        Self {
            gate: Gate::new(threshold_db),
            ..self
        }
    }

    /// The same decider for a stream in which something else counts as its voice.
    ///
    /// # Errors
    ///
    /// Speech counts, and the model has no output for it.
    pub fn counting(self, counts: Counts) -> Result<Self, NoSpeechOutput> {
        match (counts, &self.speech) {
            (Counts::Speech | Counts::Either, None) => Err(NoSpeechOutput),
            _ => Ok(Self { counts, ..self }),
        }
    }

    /// Goes on where `earlier`, of the same stream, is: an open voice stays open. What counts must be the same.
    /// `same_network`: its predictions are averaged too.
    pub fn take_over(&mut self, mut earlier: Self, same_network: bool) {
        self.singing.take_over(earlier.singing);
        if let (Some(speech), Some(earlier)) = (&mut self.speech, earlier.speech) {
            speech.tracker.take_over(earlier.tracker);
            if same_network {
                speech.overlap = earlier.overlap;
            }
        }
        self.either = earlier.either;
        self.gate.take_levels(&mut earlier.gate);
        self.decided_s = earlier.decided_s;
        if same_network {
            self.overlap = earlier.overlap;
        }
    }

    /// The horizon that is decided on.
    pub fn horizon(&self) -> &Horizon {
        &self.horizon
    }

    /// What counts as the stream's voice.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The probabilities in the horizon's frame of `window`, whose outputs are `outputs`: one of voice for each horizon
    /// of the model, then likewise of speech if the model has that output. 0 where the gate is closed. `None` if there
    /// is none for this horizon.
    pub fn probability(&mut self, window: &Window, outputs: &[f32]) -> Option<Probabilities> {
        self.gate.add(window);
        let (start, index) = (window.start_sample, self.horizon.index);
        let count = match self.speech {
            Some(_) => outputs.len() / 2,
            None => outputs.len(),
        };
        let (of_voice, of_speech) = outputs.split_at(count);
        let voice = *self.overlap.push(start, of_voice).get(index)?;
        let speech = match &mut self.speech {
            Some(output) => Some(*output.overlap.push(start, of_speech).get(index)?),
            None => None,
        };
        Some(self.combined(window.time_s(self.horizon.frames), voice, speech))
    }

    /// The probabilities in the frame at stream time `t_s`, in seconds, of the window that begins at `start_sample` and
    /// was left out: from what earlier windows predict for it. `None` before the first window.
    pub fn probability_left_out(&self, start_sample: u64, t_s: f64) -> Option<Probabilities> {
        let index = self.horizon.index;
        let voice = self.overlap.fill(start_sample, index)?;
        let speech = match &self.speech {
            Some(output) => Some(output.overlap.fill(start_sample, index)?),
            None => None,
        };
        Some(self.combined(t_s, voice, speech))
    }

    /// The probabilities at stream time `t_s` after suppression and the gate.
    fn combined(&self, t_s: f64, voice: f32, speech: Option<f32>) -> Probabilities {
        if self
            .gate
            .is_closed_at((t_s * f64::from(SAMPLE_RATE_HZ)) as u64)
        {
            return Probabilities {
                voice: 0.0,
                speech: speech.map(|_| 0.0),
            };
        }
        let suppression = self.speech.as_ref().and_then(|output| output.suppression);
        let voice = match (suppression, speech) {
            (Some(rule), Some(p)) => rule.apply(voice, p),
            _ => voice,
        };
        Probabilities { voice, speech }
    }

    /// Decides on the frame at stream time `t_s`, in seconds, from its probabilities. A frame that was decided on
    /// already, at a shorter look-ahead, changes nothing.
    pub fn frame(&mut self, t_s: f64, p: impl Into<Probabilities>) -> Decision {
        let p = p.into();
        let is_new = t_s > self.decided_s;
        self.decided_s = self.decided_s.max(t_s);
        let decide = |tracker: &mut Tracker, p: f32| match is_new {
            true => tracker.push(t_s, p),
            false => Decision {
                voice: tracker.is_voice(),
                p,
                event: None,
                speech: None,
            },
        };
        let sung = decide(&mut self.singing, p.voice);
        match (&mut self.speech, p.speech) {
            (Some(speech), Some(p)) => {
                let talk = decide(&mut speech.tracker, p);
                self.counted(sung, talk)
            }
            _ => sung,
        }
    }

    /// The decision on what counts.
    fn counted(&mut self, sung: Decision, talk: Decision) -> Decision {
        let speech = Some(SpeechDecision {
            present: talk.voice,
            p: talk.p,
            event: talk.event,
        });
        let counted = match self.counts {
            Counts::Singing => sung,
            Counts::Speech => talk,
            Counts::Either => {
                let voice = sung.voice || talk.voice;
                Decision {
                    voice,
                    p: sung.p.max(talk.p),
                    event: self.either.push([sung.event, talk.event], voice),
                    speech: None,
                }
            }
        };
        Decision { speech, ..counted }
    }

    /// Whether it decides on speech.
    pub fn has_speech(&self) -> bool {
        self.speech.is_some()
    }

    /// Closes speech, if it is present, because the decider that follows does not decide on it.
    pub fn end_speech(&mut self) -> Option<Event> {
        self.speech.as_mut()?.tracker.end_at(f64::NEG_INFINITY)
    }

    /// Closes what is present, because the sound beyond a gap is unknown.
    pub fn gap(&mut self) -> Closed {
        self.end_at(f64::NEG_INFINITY)
    }

    /// Closes what is present at the end of the sound, stream time `sound_end_s`.
    pub fn end_at(&mut self, sound_end_s: f64) -> Closed {
        let sung = self.singing.end_at(sound_end_s);
        let speech = self.speech.as_mut();
        let speech = speech.and_then(|speech| speech.tracker.end_at(sound_end_s));
        let voice = match self.counts {
            Counts::Singing => sung,
            Counts::Speech => speech,
            Counts::Either => self.either.push([sung, speech], false),
        };
        Closed { voice, speech }
    }
}
