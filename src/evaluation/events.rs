//! Onsets and offsets matched with the labels: found, missed, false, and their delays.

use serde::Serialize;

use crate::evaluation::decide::Change;
use crate::evaluation::grid::Grid;
use crate::frontend::window::frame_time_s;

/// Largest distance in seconds between a detected and a labelled change that match. Wide enough for slow detections to
/// appear in the 95th percentile of the delay, shorter than most phrases.
pub const MATCH_TOLERANCE_S: f64 = 1.0;

/// A change of the labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelChange {
    /// Onset of a voice; else offset.
    pub voice: bool,
    /// In seconds of the track.
    pub t_s: f64,
    /// Whether it counts as found or missed. At the ends of a track it does not; a detection that matches it is then
    /// neither found nor false.
    pub counts: bool,
}

/// Figures of the onsets, or of the offsets, of some tracks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EventFigures {
    /// Labelled changes that count.
    pub labelled: u64,
    /// Of these, matched with a detected change.
    pub found: u64,
    /// Of these, not matched.
    pub missed: u64,
    /// Detected changes that match no labelled one.
    pub false_alarms: u64,
    /// Median time from a labelled change to the earliest possible report, look-ahead and confirmation included, over
    /// the changes found.
    pub delay_median_s: f64,
    /// 95th percentile of the same.
    pub delay_p95_s: f64,
    /// Median of the estimated time minus the labelled time, over the changes found.
    pub t_error_median_s: f64,
    /// 95th percentile of the absolute value of the same.
    pub t_error_p95_s: f64,
}

/// Collects [`EventFigures`] over tracks.
#[derive(Debug, Clone, Default)]
pub struct EventTally {
    labelled: u64,
    found: u64,
    false_alarms: u64,
    delays_s: Vec<f64>,
    errors_s: Vec<f64>,
}

/// The labelled changes of a track between its first and its last decision. `labels` has a value for each frame,
/// `windows` is the number of decisions.
///
/// A change lies half-way between the frames around it. A voice that is present at the first decision has an onset
/// there, which does not count. Nor does a change in the last [`MATCH_TOLERANCE_S`], because its detection may have been
/// cut off.
pub fn label_changes(labels: &[bool], windows: usize, grid: Grid) -> Vec<LabelChange> {
    let Some(last) = windows.checked_sub(1) else {
        return Vec::new();
    };
    let first_frame = grid.frame(0);
    let last_frame = grid.frame(last).min(labels.len().saturating_sub(1));
    let latest_s = grid.time_s(last) - MATCH_TOLERANCE_S;
    let mut changes = Vec::new();
    if labels.get(first_frame) == Some(&true) {
        changes.push(LabelChange {
            voice: true,
            t_s: frame_time_s(first_frame),
            counts: false,
        });
    }
    for frame in first_frame + 1..=last_frame {
        if labels[frame] != labels[frame - 1] {
            let t_s = f64::midpoint(frame_time_s(frame - 1), frame_time_s(frame));
            changes.push(LabelChange {
                voice: labels[frame],
                t_s,
                counts: t_s <= latest_s,
            });
        }
    }
    changes
}

impl EventTally {
    /// Adds the onsets (`voice`), or the offsets, of a track.
    pub fn add(&mut self, labelled: &[LabelChange], detected: &[Change], voice: bool) {
        let labelled: Vec<_> = labelled.iter().filter(|c| c.voice == voice).collect();
        let detected: Vec<_> = detected.iter().filter(|c| c.voice == voice).collect();
        let labelled_s: Vec<f64> = labelled.iter().map(|c| c.t_s).collect();
        let detected_s: Vec<f64> = detected.iter().map(|c| c.t_s).collect();
        let pairs = pairs(&labelled_s, &detected_s);
        self.labelled += labelled.iter().filter(|c| c.counts).count() as u64;
        self.false_alarms += (detected.len() - pairs.len()) as u64;
        for (l, d) in pairs {
            let (label, change) = (labelled[l], detected[d]);
            if label.counts {
                self.found += 1;
                self.delays_s.extend(change.told_s.map(|t| t - label.t_s));
                self.errors_s.push(change.t_s - label.t_s);
            }
        }
    }

    /// The figures of all tracks added.
    pub fn figures(&self) -> EventFigures {
        let sizes_s: Vec<f64> = self.errors_s.iter().map(|e| e.abs()).collect();
        EventFigures {
            labelled: self.labelled,
            found: self.found,
            missed: self.labelled - self.found,
            false_alarms: self.false_alarms,
            delay_median_s: quantile(&self.delays_s, 0.5),
            delay_p95_s: quantile(&self.delays_s, 0.95),
            t_error_median_s: quantile(&self.errors_s, 0.5),
            t_error_p95_s: quantile(&sizes_s, 0.95),
        }
    }
}

/// Matches two rising lists of times one to one, at distances of at most [`MATCH_TOLERANCE_S`]. Of all matchings with the
/// largest number of pairs, returns the one with the smallest total distance: rising indices into both lists.
pub fn pairs(labelled_s: &[f64], detected_s: &[f64]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut l, mut d) = (0, 0);
    // Pauses longer than the tolerance separate the lists into independent parts.
    while l < labelled_s.len() && d < detected_s.len() {
        let (from_l, from_d) = (l, d);
        let mut reach_s = labelled_s[l].min(detected_s[d]) + MATCH_TOLERANCE_S;
        loop {
            let next_l = labelled_s.get(l).copied().filter(|t| *t <= reach_s);
            let next_d = detected_s.get(d).copied().filter(|t| *t <= reach_s);
            match (next_l, next_d) {
                (Some(t), Some(u)) if t <= u => (l, reach_s) = (l + 1, t + MATCH_TOLERANCE_S),
                (Some(t), None) => (l, reach_s) = (l + 1, t + MATCH_TOLERANCE_S),
                (_, Some(u)) => (d, reach_s) = (d + 1, u + MATCH_TOLERANCE_S),
                (None, None) => break,
            }
        }
        let pairs = best_pairs(&labelled_s[from_l..l], &detected_s[from_d..d]);
        found.extend(pairs.into_iter().map(|(a, b)| (from_l + a, from_d + b)));
    }
    found
}

/// The same by dynamic programming. Pairs never need to cross: uncrossing two of them increases neither their total nor
/// their largest distance.
fn best_pairs(labelled_s: &[f64], detected_s: &[f64]) -> Vec<(usize, usize)> {
    let (rows, columns) = (labelled_s.len() + 1, detected_s.len() + 1);
    // For the times from (l, d) on: number of pairs, and their total distance negated.
    let mut best = vec![(0u32, 0.0f64); rows * columns];
    let pair = |l: usize, d: usize| {
        let distance_s = (labelled_s[l] - detected_s[d]).abs();
        (distance_s <= MATCH_TOLERANCE_S).then_some(distance_s)
    };
    let better = |a: (u32, f64), b: (u32, f64)| if b > a { b } else { a };
    for l in (0..labelled_s.len()).rev() {
        for d in (0..detected_s.len()).rev() {
            let skipped = better(best[(l + 1) * columns + d], best[l * columns + d + 1]);
            let (count, score) = best[(l + 1) * columns + d + 1];
            best[l * columns + d] = match pair(l, d) {
                Some(distance_s) => better(skipped, (count + 1, score - distance_s)),
                None => skipped,
            };
        }
    }
    let (mut l, mut d) = (0, 0);
    let mut found = Vec::new();
    while l < labelled_s.len() && d < detected_s.len() {
        let here = best[l * columns + d];
        if here == best[(l + 1) * columns + d] {
            l += 1;
        } else if here == best[l * columns + d + 1] {
            d += 1;
        } else {
            found.push((l, d));
            (l, d) = (l + 1, d + 1);
        }
    }
    found
}

/// The smallest value that at least this share of the values does not exceed; NaN without values.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}
