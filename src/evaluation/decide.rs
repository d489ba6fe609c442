//! Decisions and changes of state on a whole track, from its probabilities.

use serde::Serialize;

use crate::decision::{Event, OperatingPoint, PointError, Tracker};
use crate::evaluation::grid::{Grid, WINDOW_HOP_S};
use crate::evaluation::scorer::ScoredWindow;

/// Windows in the centred median: 0.79 s, the odd number nearest to 0.8 s.
pub const MEDIAN_WINDOWS: usize = 11;

/// How probabilities become decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Smoothing {
    /// Each probability against the threshold.
    Raw,
    /// The centred median of 0.8 s against the threshold. It adds 0.4 s of look-ahead.
    Median,
    /// The state that the daemon publishes.
    Causal,
    /// The labels of a reference system.
    AsGiven,
}

impl Smoothing {
    /// The smoothings that apply to a checkpoint.
    pub const OF_CHECKPOINT: [Self; 3] = [Self::Raw, Self::Median, Self::Causal];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Median => "median",
            Self::Causal => "causal",
            Self::AsGiven => "as given",
        }
    }
}

/// A detected change of state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Onset of a voice; else offset.
    pub voice: bool,
    /// The time estimated by the detector, in seconds of the track.
    pub t_s: f64,
    /// The time of the last sound that the detection uses, in seconds: the earliest time at which the change can be
    /// reported. It includes look-ahead and confirmation, not computing time. Unknown for a reference system.
    pub told_s: Option<f64>,
}

/// The decisions on a track.
#[derive(Debug, Clone, PartialEq)]
pub struct Decisions {
    /// The state in each window.
    pub voice: Vec<bool>,
    /// In order of time.
    pub changes: Vec<Change>,
}

/// Decides on every window of a track.
///
/// # Errors
///
/// The operating point is invalid.
pub fn decide(
    scored: &[ScoredWindow],
    smoothing: Smoothing,
    point: &OperatingPoint,
    grid: Grid,
) -> Result<Decisions, PointError> {
    let p: Vec<f32> = scored.iter().map(|s| s.0).collect();
    let at_threshold = |p: Vec<f32>| p.into_iter().map(|p| p >= point.threshold).collect();
    let lookahead_s = grid.lookahead_s();
    Ok(match smoothing {
        Smoothing::Raw | Smoothing::AsGiven => with_changes(at_threshold(p), grid, lookahead_s),
        Smoothing::Median => {
            let medians = (0..p.len()).map(|i| centred_median(&p, i)).collect();
            let wait_s = (MEDIAN_WINDOWS / 2) as f64 * WINDOW_HOP_S;
            with_changes(at_threshold(medians), grid, lookahead_s + wait_s)
        }
        Smoothing::Causal => causal(scored, point, grid)?,
    })
}

/// The decisions that the daemon would publish.
///
/// # Errors
///
/// The operating point is invalid.
pub fn causal(
    scored: &[ScoredWindow],
    point: &OperatingPoint,
    grid: Grid,
) -> Result<Decisions, PointError> {
    let mut tracker = Tracker::new(*point)?;
    let mut decisions = Decisions {
        voice: Vec::with_capacity(scored.len()),
        changes: Vec::new(),
    };
    for (window, &(p, _)) in scored.iter().enumerate() {
        let frame_s = grid.time_s(window);
        let decision = tracker.push(frame_s, p);
        decisions.voice.push(decision.voice);
        let change = decision.event.map(|event| match event {
            Event::Onset { t_s } => (true, t_s),
            Event::Offset { t_s, .. } => (false, t_s),
        });
        decisions.changes.extend(change.map(|(voice, t_s)| Change {
            voice,
            t_s,
            told_s: Some(frame_s + grid.lookahead_s()),
        }));
    }
    Ok(decisions)
}

/// Adds the changes of state; before the first window the state is no voice. A change is known `wait_s` after it.
fn with_changes(voice: Vec<bool>, grid: Grid, wait_s: f64) -> Decisions {
    let mut changes = Vec::new();
    let mut before = false;
    for (window, &voice) in voice.iter().enumerate() {
        if voice != before {
            let t_s = grid.time_s(window);
            changes.push(Change {
                voice,
                t_s,
                told_s: Some(t_s + wait_s),
            });
        }
        before = voice;
    }
    Decisions { voice, changes }
}

fn centred_median(p: &[f32], index: usize) -> f32 {
    let half = MEDIAN_WINDOWS / 2;
    let mut around = p[index.saturating_sub(half)..(index + half + 1).min(p.len())].to_vec();
    around.sort_by(f32::total_cmp);
    around[around.len() / 2]
}
