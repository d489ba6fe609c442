//! Choice of operating points on validation data.
//!
//! The share of false alarms on music without a voice has a limit. Within it, the point is chosen by its merit on the
//! corpora that have voices ([`Aim`]); of points of almost equal merit, the one with the fewest changes of state. What is
//! published is no worse than raw decisions if any point allows that.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::decision::{OperatingPoint, RECENCY_S, Reentry};
use crate::evaluation::decide::causal;
use crate::evaluation::metrics::Confusion;
use crate::evaluation::scorer::{ScoredTrack, pooled};

/// The merit by which an operating point is chosen.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Aim {
    /// The share of right decisions over all windows, as papers report it: for music like the validation data, with as
    /// much voice.
    #[default]
    Accuracy,
    /// The mean over corpora of their shares of right decisions, whatever their length: when karaoke and full mixes are
    /// equally likely, but the data have more of one.
    Even,
    /// The mean over corpora of their balanced accuracies, the mean of the shares of right decisions on voice and on
    /// pauses: for music with an unknown share of voice.
    Balanced,
}

/// Distances of the re-entry threshold above the raw one. It may lie below: after a clear voice the soft one that follows
/// is more likely than the raw threshold assumes.
const REENTER_ABOVE: [f32; 8] = [-0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2];
/// Distances of the threshold to enter voice above the re-entry threshold.
const ENTER_ABOVE: [f32; 6] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
/// Smallest re-entry threshold.
const MIN_REENTER: f32 = 0.05;
/// Largest threshold to enter voice.
const MAX_ENTER: f32 = 0.95;
/// Distances of the threshold to leave voice below the raw one.
const LEAVE_BELOW: [f32; 8] = [-0.1, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35];
/// `confirm_n` of `confirm_m` windows.
const CONFIRM: [(u32, u32); 3] = [(1, 1), (2, 3), (3, 5)];
/// Minimum durations in seconds. Longer ones cause more false voice; hysteresis is as calm at a lower cost.
const MIN_VOICE_S: [f32; 3] = [0.0, 0.1, 0.2];
const MIN_GAP_S: [f32; 3] = [0.0, 0.1, 0.2];
/// Merit given up for fewer changes of state. On validation this much avoids a third of the changes of the best point;
/// 0.005 avoids half of them, but costs two points on karaoke, where voice then lasts too long.
const CALM_MERIT: f64 = 0.001;

/// Limits on false alarms, as shares of the decisions on a corpus without what is detected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Of raw decisions, which are only measured.
    pub raw: f64,
    /// Of causal decisions, which switch lights.
    pub causal: f64,
}

/// The limits for voice, on music without one. The goal for causal decisions is 36 s per hour on unseen music; a third of
/// it is a margin for the difference from the validation data.
const VOICE_LIMITS: Limits = Limits {
    raw: 0.04,
    causal: 0.01 * 2.0 / 3.0,
};

/// The decisions that the daemon would publish with an operating point, on all tracks together.
pub fn published(
    corpora: &[Vec<ScoredTrack>],
    horizon: usize,
    point: &OperatingPoint,
) -> Confusion {
    let (confusions, _) = causal_decisions(corpora, horizon, point);
    let sum = |sum: Confusion, one: Confusion| sum + one;
    confusions.into_iter().fold(Confusion::default(), sum)
}

/// Chooses the operating point of a horizon index on the scored tracks of each corpus.
pub fn choose(corpora: &[Vec<ScoredTrack>], horizon: usize, aim: Aim) -> OperatingPoint {
    choose_within(corpora, horizon, aim, VOICE_LIMITS)
}

/// The same with other limits on false alarms.
pub fn choose_within(
    corpora: &[Vec<ScoredTrack>],
    horizon: usize,
    aim: Aim,
    limits: Limits,
) -> OperatingPoint {
    let (threshold, raw_merit) = raw_threshold(corpora, horizon, aim, limits.raw);
    let measured = candidates(threshold).into_par_iter().map(|point| {
        let (confusions, changes) = causal_decisions(corpora, horizon, &point);
        let merit = merit(&confusions, limits.causal, aim);
        (point, merit, changes)
    });
    let measured: Vec<_> = measured.collect();
    let best = measured.iter().map(|m| m.1).fold(f64::MIN, f64::max);
    // Above the limit, no merit is given up, and never so much that raw decisions would be better.
    let given = if best > 0.0 { CALM_MERIT } else { 0.0 };
    let least = (best - given).max(raw_merit.min(best));
    let near = measured.iter().filter(|m| m.1 >= least);
    let calmest = near.min_by(|a, b| a.2.cmp(&b.2).then(b.1.total_cmp(&a.1)));
    calmest.map_or(OperatingPoint::around(threshold), |m| m.0)
}

/// The merit over the corpora with voices. Above the limit on false alarms it is negative, and larger for fewer false
/// alarms.
fn merit(corpora: &[Confusion], false_alarms: f64, aim: Aim) -> f64 {
    let has_voice = |c: &&Confusion| c.true_voice + c.missed_voice > 0;
    let (voiced, silent): (Vec<&Confusion>, Vec<&Confusion>) = corpora.iter().partition(has_voice);
    let rates = silent.iter().map(|c| c.false_positive_rate());
    let worst = rates.fold(0.0, f64::max);
    if worst > false_alarms {
        return -worst;
    }
    match aim {
        Aim::Accuracy => voiced
            .iter()
            .fold(Confusion::default(), |all, c| all + **c)
            .accuracy(),
        Aim::Even => mean(voiced.iter().map(|c| c.accuracy())),
        Aim::Balanced => {
            let balanced = |c: &&Confusion| (c.recall() + 1.0 - c.false_positive_rate()) / 2.0;
            mean(voiced.iter().map(balanced))
        }
    }
}

/// 0 without values: all points are then equal.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// The best threshold for raw decisions, in steps of 0.01, and its merit.
fn raw_threshold(
    corpora: &[Vec<ScoredTrack>],
    horizon: usize,
    aim: Aim,
    false_alarms: f64,
) -> (f32, f64) {
    let pooled: Vec<_> = corpora
        .iter()
        .map(|tracks| pooled(tracks, horizon))
        .collect();
    let merit_at = |threshold: f32| {
        let at = |scored: &Vec<_>| Confusion::at(threshold, scored.iter().copied());
        merit(
            &pooled.iter().map(at).collect::<Vec<_>>(),
            false_alarms,
            aim,
        )
    };
    let thresholds = (5..=95).map(|percent| percent as f32 / 100.0);
    let best = thresholds
        .map(|t| (t, merit_at(t)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    best.unwrap_or((0.5, f64::MIN))
}

/// Every operating point that is tried.
fn candidates(threshold: f32) -> Vec<OperatingPoint> {
    let mut points = Vec::new();
    for (enter, reentry) in entries(threshold) {
        for below in LEAVE_BELOW {
            let leave =
                hundredths(threshold - below).clamp(0.01, reentry.map_or(enter, |r| r.reenter));
            for (confirm_n, confirm_m) in CONFIRM {
                for min_voice_s in MIN_VOICE_S {
                    points.extend(MIN_GAP_S.map(|min_gap_s| OperatingPoint {
                        threshold,
                        enter,
                        reentry,
                        leave,
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

/// Every pair of thresholds to enter and re-enter voice that is tried, without repetitions.
fn entries(threshold: f32) -> Vec<(f32, Option<Reentry>)> {
    let mut entries = Vec::new();
    for reenter_above in REENTER_ABOVE {
        let reenter = hundredths(threshold + reenter_above).clamp(MIN_REENTER, MAX_ENTER);
        for above in ENTER_ABOVE {
            let enter = hundredths(reenter + above).min(MAX_ENTER);
            let differs = (enter > reenter).then_some(Reentry {
                reenter,
                recency_s: RECENCY_S,
            });
            if !entries.contains(&(enter, differs)) {
                entries.push((enter, differs));
            }
        }
    }
    entries
}

/// Rounds to two decimals, as thresholds are printed; sums have rounding errors.
fn hundredths(p: f32) -> f32 {
    (p * 100.0).round() / 100.0
}

/// The confusion matrix of the causal decisions on each corpus, and their total number of changes.
fn causal_decisions(
    corpora: &[Vec<ScoredTrack>],
    horizon: usize,
    point: &OperatingPoint,
) -> (Vec<Confusion>, usize) {
    let mut changes = 0;
    let of_corpus = |tracks: &Vec<ScoredTrack>| {
        let mut confusion = Confusion::default();
        for track in tracks {
            let scored = &track.horizons[horizon];
            // Candidates are valid by construction. Their states do not depend on the horizon of the grid.
            let Ok(decisions) = causal(scored, point, track.grid(0)) else {
                continue;
            };
            confusion = confusion + track.confusion(horizon, &decisions.voice);
            changes += decisions.changes.len();
        }
        confusion
    };
    let confusions = corpora.iter().map(of_corpus).collect();
    (confusions, changes)
}
