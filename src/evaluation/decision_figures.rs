//! Figures of decisions: accuracy and its relatives.

use serde::Serialize;

use crate::evaluation::bootstrap::mean_with_interval;
use crate::evaluation::metrics::{Confusion, auroc};

/// Figures of some of the decisions on a corpus. A figure that could not be measured is NaN, in JSON null.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DecisionFigures {
    /// Decisions with a label.
    pub windows: u64,
    /// Over all decisions.
    pub accuracy: f64,
    /// Mean over songs, and its 95 % interval by bootstrap over songs.
    pub track_accuracy: [f64; 3],
    /// Over all decisions.
    pub precision: f64,
    /// Over all decisions.
    pub recall: f64,
    /// Over all decisions.
    pub f1: f64,
    /// Over all decisions.
    pub false_positive_rate: f64,
    /// Area under the ROC curve over all decisions.
    pub auroc: f64,
    /// Accuracy of the constant decision "voice".
    pub always_voice_accuracy: f64,
    /// Seconds of false voice per hour of the tracks without any voice.
    pub false_voice_s_per_hour: f64,
}

/// Collects [`DecisionFigures`] over tracks.
#[derive(Debug, Default)]
pub(super) struct DecisionTally {
    total: Confusion,
    /// Of the tracks without any voice.
    voiceless: Confusion,
    /// By song. The versions of a song are one value, since they are not independent.
    songs: Vec<(String, Confusion)>,
    /// Probabilities and labels.
    scored: Vec<(f32, bool)>,
    /// Some track has no probabilities.
    lacks_p: bool,
}

impl DecisionTally {
    /// Adds a track: for every window its label, if it has one that counts, the decision and the probability.
    pub fn add(
        &mut self,
        song: &str,
        has_voice: bool,
        labels: impl Iterator<Item = Option<bool>>,
        decided: &[bool],
        p: Option<&[f32]>,
    ) {
        self.lacks_p |= p.is_none();
        let mut confusion = Confusion::default();
        for (window, (label, &decided)) in labels.zip(decided).enumerate() {
            if let Some(label) = label {
                confusion.count(decided, label);
                self.scored.extend(p.map(|p| (p[window], label)));
            }
        }
        if confusion.total() == 0 {
            return;
        }
        self.total = self.total + confusion;
        if !has_voice {
            self.voiceless = self.voiceless + confusion;
        }
        match self.songs.iter_mut().find(|(name, _)| name == song) {
            Some((_, sum)) => *sum = *sum + confusion,
            None => self.songs.push((song.to_owned(), confusion)),
        }
    }

    /// The figures of all tracks added.
    pub fn figures(&self) -> DecisionFigures {
        let total = &self.total;
        let songs: Vec<f64> = self.songs.iter().map(|(_, c)| c.accuracy()).collect();
        DecisionFigures {
            windows: total.total(),
            accuracy: total.accuracy(),
            track_accuracy: mean_with_interval(&songs),
            precision: total.precision(),
            recall: total.recall(),
            f1: total.f1(),
            false_positive_rate: total.false_positive_rate(),
            auroc: match self.lacks_p {
                true => f64::NAN,
                false => auroc(&self.scored),
            },
            always_voice_accuracy: total.always_voice_accuracy(),
            false_voice_s_per_hour: self.voiceless.false_positive_rate() * 3600.0,
        }
    }
}
