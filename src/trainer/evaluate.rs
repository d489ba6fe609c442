//! Measures a checkpoint on labelled tracks: raw decisions, the centred median that papers
//! report, and the causal decisions the daemon publishes.

use serde::Serialize;

use super::metrics::{Confusion, auroc};
use super::validate::{ScoredTrack, pooled};
use crate::decision::{Event, PointError, Tracker};
use crate::frontend::{HOP_SAMPLES, SAMPLE_RATE_HZ, WINDOW_HOP_FRAMES, WINDOW_HOP_SAMPLES};
use crate::model::OperatingPoint;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// 0.79 s of decisions around each one: the odd number of windows nearest to 0.8 s.
const MEDIAN_WINDOWS: usize = 11;
/// Draws of the bootstrap; its interval does not move in the third decimal beyond this.
const BOOTSTRAP_DRAWS: usize = 2000;

pub const WINDOW_HOP_S: f64 = WINDOW_HOP_SAMPLES as f64 / SAMPLE_RATE_HZ as f64;

/// How probabilities were made into decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Smoothing {
    /// Each probability against the threshold.
    Raw,
    /// The median of 0.8 s around it against the threshold; looks 0.4 s further ahead.
    Median,
    /// The state the daemon publishes.
    Causal,
}

impl Smoothing {
    pub const ALL: [Self; 3] = [Self::Raw, Self::Median, Self::Causal];
}

/// A corpus at one horizon and smoothing.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    pub corpus: String,
    pub horizon_frames: u32,
    pub smoothing: Smoothing,
    pub windows: u64,
    pub accuracy: f64,
    /// Mean over tracks with the 95 % interval of a bootstrap over tracks.
    pub track_accuracy: [f64; 3],
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub false_positive_rate: f64,
    pub auroc: f64,
    pub always_voice_accuracy: f64,
    /// Seconds decided to be voice where there is none, in an hour without voice.
    pub false_voice_s_per_hour: f64,
    pub onsets_per_minute: f64,
}

/// All figures of a corpus: every horizon, every smoothing.
pub fn figures(
    corpus: &str,
    tracks: &[ScoredTrack],
    horizons_frames: &[u32],
    points: &[OperatingPoint],
) -> Result<Vec<Figures>, PointError> {
    let mut rows = Vec::new();
    for (h, (&horizon_frames, point)) in horizons_frames.iter().zip(points).enumerate() {
        for smoothing in Smoothing::ALL {
            let mut total = Confusion::default();
            let mut accuracies = Vec::new();
            let mut onsets = 0;
            for track in tracks {
                let decided = decide(&track.horizons[h], smoothing, point)?;
                let mut confusion = Confusion::default();
                for (voice, (_, label)) in decided.voice.iter().zip(&track.horizons[h]) {
                    confusion.count(*voice, *label);
                    total.count(*voice, *label);
                }
                onsets += decided.onsets;
                if confusion.total() > 0 {
                    accuracies.push(confusion.accuracy());
                }
            }
            let minutes = total.total() as f64 * WINDOW_HOP_S / 60.0;
            rows.push(Figures {
                corpus: corpus.into(),
                horizon_frames,
                smoothing,
                windows: total.total(),
                accuracy: total.accuracy(),
                track_accuracy: mean_with_interval(&accuracies),
                precision: total.precision(),
                recall: total.recall(),
                f1: total.f1(),
                false_positive_rate: total.false_positive_rate(),
                auroc: auroc(&pooled(tracks, h)),
                always_voice_accuracy: total.always_voice_accuracy(),
                false_voice_s_per_hour: total.false_positive_rate() * 3600.0,
                onsets_per_minute: onsets as f64 / minutes,
            });
        }
    }
    Ok(rows)
}

/// The decisions of a track.
pub struct Decided {
    pub voice: Vec<bool>,
    pub onsets: usize,
}

fn decide(
    scored: &[(f32, bool)],
    smoothing: Smoothing,
    point: &OperatingPoint,
) -> Result<Decided, PointError> {
    let voice: Vec<bool> = match smoothing {
        Smoothing::Raw => scored.iter().map(|s| s.0 >= point.threshold).collect(),
        Smoothing::Median => {
            let p: Vec<f32> = scored.iter().map(|s| s.0).collect();
            (0..p.len())
                .map(|i| centred_median(&p, i) >= point.threshold)
                .collect()
        }
        Smoothing::Causal => return causal(scored, point),
    };
    let onsets = std::iter::once(&false)
        .chain(&voice)
        .zip(&voice)
        .filter(|(a, b)| !**a && **b);
    Ok(Decided {
        onsets: onsets.count(),
        voice,
    })
}

/// What the daemon would have published.
pub fn causal(scored: &[(f32, bool)], point: &OperatingPoint) -> Result<Decided, PointError> {
    let mut tracker = Tracker::new(*point)?;
    let hop_s = (WINDOW_HOP_FRAMES * HOP_SAMPLES) as f64 / f64::from(SAMPLE_RATE_HZ);
    let mut onsets = 0;
    let mut decide = |(i, s): (usize, &(f32, bool))| {
        let decision = tracker.push(i as f64 * hop_s, s.0);
        onsets += usize::from(matches!(decision.event, Some(Event::Onset { .. })));
        decision.voice
    };
    let voice = scored.iter().enumerate().map(&mut decide).collect();
    Ok(Decided { voice, onsets })
}

fn centred_median(p: &[f32], index: usize) -> f32 {
    let half = MEDIAN_WINDOWS / 2;
    let mut around = p[index.saturating_sub(half)..(index + half + 1).min(p.len())].to_vec();
    around.sort_by(f32::total_cmp);
    around[around.len() / 2]
}

/// Mean, and the 2.5 and 97.5 % quantiles of the means of resampled tracks.
fn mean_with_interval(values: &[f64]) -> [f64; 3] {
    if values.is_empty() {
        return [f64::NAN; 3];
    }
    let mean = |sum: f64| sum / values.len() as f64;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut draw = || {
        mean(
            (0..values.len())
                .map(|_| values[rng.random_range(0..values.len())])
                .sum::<f64>(),
        )
    };
    let mut means: Vec<f64> = (0..BOOTSTRAP_DRAWS).map(|_| draw()).collect();
    means.sort_by(f64::total_cmp);
    let quantile = |q: f64| means[((BOOTSTRAP_DRAWS - 1) as f64 * q).round() as usize];
    [mean(values.iter().sum()), quantile(0.025), quantile(0.975)]
}
