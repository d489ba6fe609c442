//! Frame-wise measures of detection.

use serde::Serialize;

/// Confusion matrix: number of decisions by decision and label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Confusion {
    /// Decided voice, labelled voice.
    pub true_voice: u64,
    /// Decided voice, labelled no voice.
    pub false_voice: u64,
    /// Decided no voice, labelled no voice.
    pub true_silence: u64,
    /// Decided no voice, labelled voice.
    pub missed_voice: u64,
}

impl std::ops::Add for Confusion {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            true_voice: self.true_voice + other.true_voice,
            false_voice: self.false_voice + other.false_voice,
            true_silence: self.true_silence + other.true_silence,
            missed_voice: self.missed_voice + other.missed_voice,
        }
    }
}

impl Confusion {
    /// Counts a decision.
    pub fn count(&mut self, decided: bool, voice: bool) {
        *match (decided, voice) {
            (true, true) => &mut self.true_voice,
            (true, false) => &mut self.false_voice,
            (false, false) => &mut self.true_silence,
            (false, true) => &mut self.missed_voice,
        } += 1;
    }

    /// The matrix of probabilities and labels at a threshold.
    pub fn at(threshold: f32, scored: impl IntoIterator<Item = (f32, bool)>) -> Self {
        let mut confusion = Self::default();
        for (p, voice) in scored {
            confusion.count(p >= threshold, voice);
        }
        confusion
    }

    /// Number of decisions.
    pub fn total(&self) -> u64 {
        self.true_voice + self.false_voice + self.true_silence + self.missed_voice
    }

    /// Share of right decisions; NaN without decisions.
    pub fn accuracy(&self) -> f64 {
        ratio(self.true_voice + self.true_silence, self.total())
    }

    /// Share of voice in what was decided to be voice; NaN without such decisions.
    pub fn precision(&self) -> f64 {
        ratio(self.true_voice, self.true_voice + self.false_voice)
    }

    /// Share of voice that was decided to be voice; NaN without voice.
    pub fn recall(&self) -> f64 {
        ratio(self.true_voice, self.true_voice + self.missed_voice)
    }

    /// Harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        ratio(
            2 * self.true_voice,
            2 * self.true_voice + self.false_voice + self.missed_voice,
        )
    }

    /// Share of what is no voice that was decided to be voice; NaN if everything is voice.
    pub fn false_positive_rate(&self) -> f64 {
        ratio(self.false_voice, self.false_voice + self.true_silence)
    }

    /// Accuracy of the constant decision "voice": the share of voice.
    pub fn always_voice_accuracy(&self) -> f64 {
        ratio(self.true_voice + self.missed_voice, self.total())
    }
}

/// NaN for a division by zero: a figure that was not measured is not zero.
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// Area under the ROC curve of probabilities and labels: the probability that a frame with voice scores above one
/// without, where ties count half. NaN without both classes.
pub fn auroc(scored: &[(f32, bool)]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let voiced = sorted.iter().filter(|s| s.1).count() as f64;
    let silent = sorted.len() as f64 - voiced;
    let mut rank_sum = 0.0;
    let mut rank = 1.0;
    for ties in sorted.chunk_by(|a, b| a.0 == b.0) {
        let middle = rank + (ties.len() as f64 - 1.0) / 2.0;
        rank_sum += middle * ties.iter().filter(|s| s.1).count() as f64;
        rank += ties.len() as f64;
    }
    (rank_sum - voiced * (voiced + 1.0) / 2.0) / (voiced * silent)
}

/// Mean cross-entropy of probabilities and labels in nats; NaN without any.
pub fn cross_entropy(scored: &[(f32, bool)]) -> f64 {
    let loss = |&(p, voice): &(f32, bool)| {
        let p = f64::from(if voice { p } else { 1.0 - p });
        -p.max(1e-7).ln()
    };
    scored.iter().map(loss).sum::<f64>() / scored.len() as f64
}
