//! Measures of detection, frame by frame.

use serde::Serialize;

/// Decisions against labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Confusion {
    pub true_voice: u64,
    pub false_voice: u64,
    pub true_silence: u64,
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
    pub fn count(&mut self, decided: bool, voice: bool) {
        *match (decided, voice) {
            (true, true) => &mut self.true_voice,
            (true, false) => &mut self.false_voice,
            (false, false) => &mut self.true_silence,
            (false, true) => &mut self.missed_voice,
        } += 1;
    }

    /// Probabilities at a threshold.
    pub fn at(threshold: f32, scored: impl IntoIterator<Item = (f32, bool)>) -> Self {
        let mut confusion = Self::default();
        for (p, voice) in scored {
            confusion.count(p >= threshold, voice);
        }
        confusion
    }

    pub fn total(&self) -> u64 {
        self.true_voice + self.false_voice + self.true_silence + self.missed_voice
    }

    pub fn accuracy(&self) -> f64 {
        ratio(self.true_voice + self.true_silence, self.total())
    }

    pub fn precision(&self) -> f64 {
        ratio(self.true_voice, self.true_voice + self.false_voice)
    }

    pub fn recall(&self) -> f64 {
        ratio(self.true_voice, self.true_voice + self.missed_voice)
    }

    pub fn f1(&self) -> f64 {
        ratio(
            2 * self.true_voice,
            2 * self.true_voice + self.false_voice + self.missed_voice,
        )
    }

    pub fn false_positive_rate(&self) -> f64 {
        ratio(self.false_voice, self.false_voice + self.true_silence)
    }

    /// The accuracy of a detector that always says voice.
    pub fn always_voice_accuracy(&self) -> f64 {
        ratio(self.true_voice + self.missed_voice, self.total())
    }
}

/// NaN where there is nothing to divide by: a figure that was not measured is not a zero.
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// Area under the ROC curve: the probability that a frame with voice scores above one without,
/// ties counted half. NaN where one of the two is missing.
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

/// Mean cross-entropy in nats.
pub fn cross_entropy(scored: &[(f32, bool)]) -> f64 {
    let loss = |&(p, voice): &(f32, bool)| {
        let p = f64::from(if voice { p } else { 1.0 - p });
        -p.max(1e-7).ln()
    };
    scored.iter().map(loss).sum::<f64>() / scored.len() as f64
}
