//! Onsets and offsets against the labels: which were found, and how late.

use serde::Serialize;

use crate::evaluation::decide::Change;
use crate::evaluation::grid::Grid;
use crate::frontend::window::frame_time_s;

/// A detected change belongs to a labelled one when its estimated time is at most this far from
/// it. Wide enough that slow detections count as found and show in the 95th percentile; still
/// shorter than most phrases.
pub const MATCH_TOLERANCE_S: f64 = 1.0;

/// A change of the labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelChange {
    pub voice: bool,
    pub t_s: f64,
    /// Whether it counts as found or missed. One that does not, for the track began in the middle of
    /// a voice or ends too soon after, only keeps its detection from being called false.
    pub counts: bool,
}

/// Onsets, or offsets, of some tracks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EventFigures {
    /// Changes of the labels that count.
    pub labelled: u64,
    pub found: u64,
    pub missed: u64,
    /// Detected changes that belong to no labelled one.
    pub false_alarms: u64,
    /// From the labelled change to the moment at which a listener is told, look-ahead and
    /// confirmation included; median and 95th percentile over those found.
    pub delay_median_s: f64,
    pub delay_p95_s: f64,
    /// The event's estimated time `t` less the labelled one: the median, and the 95th percentile
    /// of its size.
    pub t_error_median_s: f64,
    pub t_error_p95_s: f64,
}

/// Gathers [`EventFigures`] over tracks.
#[derive(Debug, Clone, Default)]
pub struct EventTally {
    labelled: u64,
    found: u64,
    false_alarms: u64,
    delays_s: Vec<f64>,
    errors_s: Vec<f64>,
}

/// The labelled changes in the decided part of a track with `windows` windows; `labels` has a
/// value a frame. A change lies half-way between the frames around it. A voice that is there at
/// the first decision has an onset there, which does not count; nor does a change in the last
/// [`MATCH_TOLERANCE_S`], whose detection may have been cut off.
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

/// Matches two rising lists of times one to one, no further apart than [`MATCH_TOLERANCE_S`]: as
/// many pairs as there can be, and of those the ones with the least distance in all. Indices into
/// both, rising.
pub fn pairs(labelled_s: &[f64], detected_s: &[f64]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut l, mut d) = (0, 0);
    // Where nothing happens for longer than the tolerance, what lies before and after is apart.
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

/// The same by dynamic programming. Pairs never need to cross: uncrossing two of them makes
/// neither distance in all nor the greatest one longer.
fn best_pairs(labelled_s: &[f64], detected_s: &[f64]) -> Vec<(usize, usize)> {
    let (rows, columns) = (labelled_s.len() + 1, detected_s.len() + 1);
    // Pairs and, negated, their distance in all, of what lies from (l, d) on.
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

/// The smallest value that at least this share of the values does not exceed; NaN of none.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}
