//! What a listener notices: phrases without a flag, and flags without a voice.

use serde::Serialize;

use crate::evaluation::sound_events::{Span, Voices};

/// Labelled voices with a shorter pause between them, in seconds, are one phrase.
pub const PHRASE_PAUSE_S: f64 = 0.5;

/// Phrases and false onsets of some tracks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PhraseFigures {
    /// Labelled phrases.
    pub labelled: u64,
    /// Of these, without any detected voice.
    pub missed: u64,
    /// Detected voices that touch no labelled one, a collar included, per hour of sound.
    pub false_onsets_per_hour: f64,
}

/// Collects [`PhraseFigures`] over tracks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PhraseTally {
    labelled: u64,
    missed: u64,
    false_onsets: u64,
    measured_s: f64,
}

impl PhraseTally {
    /// Adds a track.
    pub fn add(&mut self, voices: &Voices, collar_s: f64) {
        let mut phrases: Vec<Span> = Vec::new();
        for &[from_s, to_s] in &voices.labelled {
            match phrases.last_mut() {
                Some(last) if from_s - last[1] < PHRASE_PAUSE_S => last[1] = to_s,
                _ => phrases.push([from_s, to_s]),
            }
        }
        let touches =
            |a: &Span, b: &Span, collar_s: f64| a[0] <= b[1] + collar_s && b[0] <= a[1] + collar_s;
        let is_missed = |phrase: &&Span| !voices.detected.iter().any(|d| touches(phrase, d, 0.0));
        let is_false = |voice: &&Span| !voices.labelled.iter().any(|l| touches(voice, l, collar_s));
        self.labelled += phrases.len() as u64;
        self.missed += phrases.iter().filter(is_missed).count() as u64;
        self.false_onsets += voices.detected.iter().filter(is_false).count() as u64;
        self.measured_s += voices.measured[1] - voices.measured[0];
    }

    /// The figures of all tracks added.
    pub fn figures(&self) -> PhraseFigures {
        PhraseFigures {
            labelled: self.labelled,
            missed: self.missed,
            false_onsets_per_hour: self.false_onsets as f64 / (self.measured_s / 3600.0),
        }
    }
}
