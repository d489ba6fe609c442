//! ROC curve, precision-recall curve and histogram of a detector.

use serde::Serialize;

/// Bins of equal width over 0 to 1.
const HISTOGRAM_BINS: usize = 40;
/// Smallest distance of two points of a curve, the sum of both coordinates; points in between are left out.
const CURVE_STEP: f64 = 0.005;

/// Curves of one detector on one corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    /// Name of the corpus.
    pub corpus: String,
    /// Name of the checkpoint or of the reference system.
    pub detector: String,
    /// False-positive rate and recall, from the highest threshold down; empty without both classes.
    pub roc: Vec<[f64; 2]>,
    /// Recall and precision, from the highest threshold down; empty without both classes.
    pub precision_recall: Vec<[f64; 2]>,
    /// Number of decisions by probability.
    pub histogram: Histogram,
}

/// Number of decisions by probability, in 40 bins of equal width over 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Decisions on frames with a voice.
    pub with_voice: Vec<u64>,
    /// Decisions on frames without one.
    pub without_voice: Vec<u64>,
}

/// The curves of these probabilities and labels.
pub fn curves(corpus: &str, detector: &str, scored: &[(f32, bool)]) -> Curves {
    let mut histogram = Histogram {
        with_voice: vec![0; HISTOGRAM_BINS],
        without_voice: vec![0; HISTOGRAM_BINS],
    };
    for &(p, voice) in scored {
        let bin = ((p * HISTOGRAM_BINS as f32) as usize).min(HISTOGRAM_BINS - 1);
        let bins = if voice {
            &mut histogram.with_voice
        } else {
            &mut histogram.without_voice
        };
        bins[bin] += 1;
    }
    let (roc, precision_recall) = at_every_threshold(scored);
    Curves {
        corpus: corpus.into(),
        detector: detector.into(),
        roc: thinned(roc),
        precision_recall: thinned(precision_recall),
        histogram,
    }
}

fn at_every_threshold(scored: &[(f32, bool)]) -> (Vec<[f64; 2]>, Vec<[f64; 2]>) {
    let voiced = scored.iter().filter(|s| s.1).count() as f64;
    let silent = scored.len() as f64 - voiced;
    if voiced == 0.0 || silent == 0.0 {
        return (Vec::new(), Vec::new());
    }
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hits, mut alarms) = (0.0, 0.0);
    let (mut roc, mut precision_recall) = (vec![[0.0, 0.0]], Vec::new());
    for ties in sorted.chunk_by(|a, b| a.0 == b.0) {
        let with_voice = ties.iter().filter(|s| s.1).count() as f64;
        hits += with_voice;
        alarms += ties.len() as f64 - with_voice;
        roc.push([alarms / silent, hits / voiced]);
        precision_recall.push([hits / voiced, hits / (hits + alarms)]);
    }
    (roc, precision_recall)
}

/// Keeps the first and the last point, and between them points at a distance of [`CURVE_STEP`] or more.
fn thinned(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    let last = points.len().saturating_sub(1);
    let mut kept: Vec<[f64; 2]> = Vec::new();
    for (index, point) in points.into_iter().enumerate() {
        let far = kept.last().is_none_or(|before| {
            (point[0] - before[0]).abs() + (point[1] - before[1]).abs() >= CURVE_STEP
        });
        if far || index == last {
            kept.push(point);
        }
    }
    kept
}
