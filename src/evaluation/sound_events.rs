//! Measures of sound event detection (Mesaros, Heittola & Virtanen, "Metrics for polyphonic sound event detection", 2016):
//! the event-based F-score with tolerance, and the segment-based error rate. Both agree with the toolbox sed_eval.

use serde::Serialize;

use crate::evaluation::decide::Change;
use crate::evaluation::events::LabelChange;
use crate::evaluation::grid::Grid;

/// Largest distance of two onsets, or two offsets, that match, in seconds.
pub const EVENT_TOLERANCE_S: f64 = 0.2;
/// An offset may also be this share of the labelled event's length away.
pub const OFFSET_TOLERANCE_SHARE: f64 = 0.5;
/// Length of a segment in seconds.
pub const SEGMENT_S: f64 = 1.0;

/// A voice from its onset to its offset, in seconds.
pub type Span = [f64; 2];

/// The voices between changes of state. One that is open at the end lasts until `end_s`.
pub(super) fn spans(changes: impl IntoIterator<Item = (bool, f64)>, end_s: f64) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut onset = None;
    for (voice, t_s) in changes {
        match (voice, onset) {
            (true, None) => onset = Some(t_s),
            (false, Some(onset_s)) => {
                spans.push([onset_s, t_s]);
                onset = None;
            }
            _ => {}
        }
    }
    spans.extend(onset.map(|onset_s| [onset_s, end_s]));
    spans
}

/// Labelled and detected voices of a track, and the times of its first and last decision.
pub(super) struct Voices {
    pub labelled: Vec<Span>,
    pub detected: Vec<Span>,
    pub measured: Span,
}

impl Voices {
    /// The voices of a track with this number of decisions.
    pub fn new(labelled: &[LabelChange], detected: &[Change], windows: usize, grid: Grid) -> Self {
        let measured = [grid.time_s(0), grid.time_s(windows.saturating_sub(1))];
        let end_s = measured[1];
        Self {
            labelled: spans(labelled.iter().map(|c| (c.voice, c.t_s)), end_s),
            detected: spans(detected.iter().map(|c| (c.voice, c.t_s)), end_s),
            measured,
        }
    }
}

/// Event-based and segment-based figures of some tracks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SoundEventFigures {
    /// Labelled voices.
    pub labelled: u64,
    /// Detected voices.
    pub detected: u64,
    /// F-score of voices whose onset is within the tolerance.
    pub onset_f1: f64,
    /// F-score of voices whose onset and offset are within the tolerance.
    pub onset_offset_f1: f64,
    /// Missed and falsely detected segments, as a share of the segments with a labelled voice. It can exceed 1.
    pub segment_error_rate: f64,
    /// F-score of segments.
    pub segment_f1: f64,
}

/// Collects [`SoundEventFigures`] over tracks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoundEventTally {
    labelled: usize,
    detected: usize,
    by_onset: usize,
    by_both: usize,
    /// Segments with voice in labels and detection, in the labels only, in the detection only.
    segments: [usize; 3],
}

impl SoundEventTally {
    /// Adds a track: spans of labelled and detected voice, and the span that was measured.
    pub fn add(&mut self, labelled: &[Span], detected: &[Span], measured: Span) {
        self.labelled += labelled.len();
        self.detected += detected.len();
        let onset = |l: &Span, d: &Span| is_near(l[0], d[0], EVENT_TOLERANCE_S);
        let both = |l: &Span, d: &Span| {
            let tolerance_s = EVENT_TOLERANCE_S.max(OFFSET_TOLERANCE_SHARE * (l[1] - l[0]));
            onset(l, d) && is_near(l[1], d[1], tolerance_s)
        };
        self.by_onset += most_pairs(labelled, detected, onset);
        self.by_both += most_pairs(labelled, detected, both);
        let count = (measured[1] / SEGMENT_S).ceil().max(0.0) as usize;
        let [labelled, detected] = [labelled, detected].map(|spans| segments(spans, count));
        for pair in labelled.into_iter().zip(detected) {
            match pair {
                (true, true) => self.segments[0] += 1,
                (true, false) => self.segments[1] += 1,
                (false, true) => self.segments[2] += 1,
                (false, false) => {}
            }
        }
    }

    /// The figures of all tracks added.
    pub fn figures(&self) -> SoundEventFigures {
        let f1 = |found: usize, labelled: usize, detected: usize| {
            2.0 * found as f64 / (labelled + detected) as f64
        };
        let [both, missed, inserted] = self.segments;
        SoundEventFigures {
            labelled: self.labelled as u64,
            detected: self.detected as u64,
            onset_f1: f1(self.by_onset, self.labelled, self.detected),
            onset_offset_f1: f1(self.by_both, self.labelled, self.detected),
            segment_error_rate: match both + missed {
                0 => f64::NAN,
                voiced => (missed + inserted) as f64 / voiced as f64,
            },
            segment_f1: f1(both, both + missed, both + inserted),
        }
    }
}

/// Tolerances include their end; times are sums of floats.
fn is_near(a_s: f64, b_s: f64, tolerance_s: f64) -> bool {
    (a_s - b_s).abs() <= tolerance_s + 1e-9
}

/// Whether each segment touches a span.
fn segments(spans: &[Span], count: usize) -> Vec<bool> {
    let mut touched = vec![false; count];
    for [from_s, to_s] in spans {
        let from = (from_s / SEGMENT_S).floor().max(0.0) as usize;
        let to = ((to_s / SEGMENT_S).ceil().max(0.0) as usize).min(count);
        touched[from.min(to)..to].fill(true);
    }
    touched
}

/// The largest number of pairs of one labelled and one detected voice that `fits`, by augmenting paths.
fn most_pairs(labelled: &[Span], detected: &[Span], fits: impl Fn(&Span, &Span) -> bool) -> usize {
    let partners: Vec<Vec<usize>> = labelled
        .iter()
        .map(|l| {
            (0..detected.len())
                .filter(|&d| fits(l, &detected[d]))
                .collect()
        })
        .collect();
    let mut taken: Vec<Option<usize>> = vec![None; detected.len()];
    let mut pairs = 0;
    for l in 0..labelled.len() {
        let mut seen = vec![false; detected.len()];
        pairs += usize::from(is_paired(l, &partners, &mut taken, &mut seen));
    }
    pairs
}

/// Finds a partner for `l`; whoever has it looks for another. Voices do not overlap, so few of them share partners and
/// paths are short.
fn is_paired(
    l: usize,
    partners: &[Vec<usize>],
    taken: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for &d in &partners[l] {
        if std::mem::replace(&mut seen[d], true) {
            continue;
        }
        if taken[d].is_none_or(|other| is_paired(other, partners, taken, seen)) {
            taken[d] = Some(l);
            return true;
        }
    }
    false
}
