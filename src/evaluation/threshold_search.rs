//! Chooses, on validation, how probabilities become decisions.
//!
//! Music without a voice must be let pass: its share of false alarms has a budget. Within it the
//! corpora that have voices decide, by what is aimed at.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::decision::OperatingPoint;
use crate::decision::RECENCY_S;
use crate::decision::Reentry;
use crate::evaluation::decide::causal;
use crate::evaluation::metrics::Confusion;
use crate::evaluation::scorer::{ScoredTrack, pooled};

/// What an operating point is chosen for.
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
    /// The share of right decisions over all windows, as papers measure: for music like that of
    /// validation, with as much voice in it.
    #[default]
    Accuracy,
    /// The mean over corpora of their shares of right decisions, however long they are: where karaoke
    /// and full mixes are as likely to be heard, and there is more of one than of the other.
    Even,
    /// The mean of the shares of right decisions on voice and on its pauses, and the mean of that over
    /// corpora: for music of which it is not known how much of it is sung.
    Balanced,
}

/// How far the threshold to enter voice again lies above the raw one, and the one to enter it at all above that.
const REENTER_ABOVE: [f32; 5] = [0.0, 0.05, 0.1, 0.2, 0.3];
const ENTER_ABOVE: [f32; 4] = [0.0, 0.1, 0.2, 0.3];
/// The threshold to enter voice where none was heard lately goes this far up.
const HIGHEST_ENTER: f32 = 0.95;
/// How far the threshold to leave voice lies below the raw one.
const LEAVE_BELOW: [f32; 8] = [-0.1, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35];
const CONFIRM: [(u32, u32); 3] = [(1, 1), (2, 3), (3, 5)];
/// Holding a voice or bridging a pause for so long says voice where there may be none; thresholds far apart
/// keep a light as calm for less.
const MIN_VOICE_S: [f32; 3] = [0.0, 0.1, 0.2];
const MIN_GAP_S: [f32; 3] = [0.0, 0.1, 0.2];
/// Of the points whose merit is at most this far from the best, the calmest is taken: a light that flickers
/// serves nobody, whatever the accuracy says.
const CALM_MERIT: f64 = 0.01;

/// False alarms on music without a voice that are borne, as shares of its decisions. The raw threshold
/// is for measuring.
const RAW_FALSE_ALARMS: f64 = 0.04;
/// What is published switches lights: 36 s an hour are the goal on music that was never heard, and a third
/// of them is left for how much it differs from what is chosen on.
const CAUSAL_FALSE_ALARMS: f64 = 0.01 * 2.0 / 3.0;

/// The operating point of one horizon, from every corpus's scored tracks.
pub fn choose(corpora: &[Vec<ScoredTrack>], horizon: usize, aim: Aim) -> OperatingPoint {
    let threshold = raw_threshold(corpora, horizon, aim);
    let measured = candidates(threshold).into_par_iter().map(|point| {
        let (confusions, changes) = causal_decisions(corpora, horizon, &point);
        let merit = merit(&confusions, CAUSAL_FALSE_ALARMS, aim);
        (point, merit, changes)
    });
    let measured: Vec<_> = measured.collect();
    let best = measured.iter().map(|m| m.1).fold(f64::MIN, f64::max);
    // Over the budget there is nothing to give away for calm.
    let given = if best > 0.0 { CALM_MERIT } else { 0.0 };
    let near = measured.iter().filter(|m| m.1 >= best - given);
    let calmest = near.min_by(|a, b| a.2.cmp(&b.2).then(b.1.total_cmp(&a.1)));
    calmest.map_or(OperatingPoint::around(threshold), |m| m.0)
}

/// What is aimed at, over the corpora with voices; below all of them where the budget is overdrawn,
/// so that the smallest overdraft is chosen when none keeps to it.
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

/// 0 of nothing, which any point is as good for.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// The best threshold for raw decisions, in steps of 0.01.
fn raw_threshold(corpora: &[Vec<ScoredTrack>], horizon: usize, aim: Aim) -> f32 {
    let pooled: Vec<_> = corpora
        .iter()
        .map(|tracks| pooled(tracks, horizon))
        .collect();
    let merit_at = |threshold: f32| {
        let at = |scored: &Vec<_>| Confusion::at(threshold, scored.iter().copied());
        merit(
            &pooled.iter().map(at).collect::<Vec<_>>(),
            RAW_FALSE_ALARMS,
            aim,
        )
    };
    let thresholds = (5..=95).map(|percent| percent as f32 / 100.0);
    let best = thresholds
        .map(|t| (t, merit_at(t)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0.5, |(threshold, _)| threshold)
}

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

/// The thresholds to enter voice that are tried, each pair once.
fn entries(threshold: f32) -> Vec<(f32, Option<Reentry>)> {
    let mut entries = Vec::new();
    for reenter_above in REENTER_ABOVE {
        let reenter = hundredths(threshold + reenter_above).min(HIGHEST_ENTER);
        for above in ENTER_ABOVE {
            let enter = hundredths(reenter + above).min(HIGHEST_ENTER);
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

/// As thresholds are told: sums of them end in digits that mean nothing.
fn hundredths(p: f32) -> f32 {
    (p * 100.0).round() / 100.0
}

/// The causal decisions of each corpus against its labels, and how often they change in all.
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
            // The candidates are within a tracker's limits by construction.
            // Their states do not depend on which frames they speak of.
            let Ok(decided) = causal(scored, point, track.grid(0)) else {
                continue;
            };
            confusion = confusion + track.confusion(horizon, &decided.voice);
            changes += decided.changes.len();
        }
        confusion
    };
    let confusions = corpora.iter().map(of_corpus).collect();
    (confusions, changes)
}
