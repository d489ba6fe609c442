//! Chooses, on validation, how probabilities become decisions.
//!
//! Corpora count alike, whatever their size: the measure is the mean of their accuracies.

use rayon::prelude::*;

use super::evaluate::causal;
use super::metrics::Confusion;
use super::validate::{ScoredTrack, pooled};
use crate::model::OperatingPoint;

/// Distances of the thresholds to enter and to leave voice from the raw one.
const ENTER_ABOVE: [f32; 3] = [0.0, 0.05, 0.1];
const LEAVE_BELOW: [f32; 4] = [0.0, 0.05, 0.1, 0.2];
const CONFIRM: [(u32, u32); 3] = [(1, 1), (2, 3), (3, 5)];
/// Shorter voices and pauses make a light flicker, whatever the accuracy says.
const MIN_VOICE_S: [f32; 2] = [0.2, 0.3];
const MIN_GAP_S: [f32; 3] = [0.2, 0.35, 0.5];

/// The operating point of one horizon, from every corpus's scored tracks.
pub fn choose(corpora: &[Vec<ScoredTrack>], horizon: usize) -> OperatingPoint {
    let threshold = raw_threshold(corpora, horizon);
    let measured = candidates(threshold)
        .into_par_iter()
        .map(|point| (point, causal_accuracy(corpora, horizon, &point)));
    let best = measured.max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(OperatingPoint::around(threshold), |(point, _)| point)
}

/// The threshold with the best accuracy of raw decisions, in steps of 0.01.
fn raw_threshold(corpora: &[Vec<ScoredTrack>], horizon: usize) -> f32 {
    let pooled: Vec<_> = corpora
        .iter()
        .map(|tracks| pooled(tracks, horizon))
        .collect();
    let accuracy = |threshold: f32| -> f64 {
        pooled
            .iter()
            .map(|scored| Confusion::at(threshold, scored.iter().copied()).accuracy())
            .sum()
    };
    let thresholds = (5..=95).map(|percent| percent as f32 / 100.0);
    let best = thresholds
        .map(|t| (t, accuracy(t)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0.5, |(threshold, _)| threshold)
}

fn candidates(threshold: f32) -> Vec<OperatingPoint> {
    let mut points = Vec::new();
    for above in ENTER_ABOVE {
        for below in LEAVE_BELOW {
            for (confirm_n, confirm_m) in CONFIRM {
                for min_voice_s in MIN_VOICE_S {
                    points.extend(MIN_GAP_S.map(|min_gap_s| OperatingPoint {
                        threshold,
                        enter: (threshold + above).min(0.99),
                        leave: (threshold - below).max(0.01),
                        confirm_n,
                        confirm_m,
                        min_voice_s,
                        min_gap_s,
                    }));
                }
            }
        }
    }
    points
}

fn causal_accuracy(corpora: &[Vec<ScoredTrack>], horizon: usize, point: &OperatingPoint) -> f64 {
    let of_corpus = |tracks: &Vec<ScoredTrack>| {
        let mut confusion = Confusion::default();
        for track in tracks {
            let scored = &track.horizons[horizon];
            // The candidates are within a tracker's limits by construction.
            let Ok(decided) = causal(scored, point) else {
                return f64::NAN;
            };
            for (voice, (_, label)) in decided.voice.iter().zip(scored) {
                confusion.count(*voice, *label);
            }
        }
        confusion.accuracy()
    };
    corpora.iter().map(of_corpus).sum()
}
