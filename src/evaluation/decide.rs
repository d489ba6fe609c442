//! Probabilities of a whole track to decisions and changes of state, each with the moment at
//! which a listener would have been told.

use serde::Serialize;

use crate::decision::OperatingPoint;
use crate::decision::{Event, PointError, Tracker};
use crate::evaluation::figures::{MEDIAN_WINDOWS, WINDOW_HOP_S};
use crate::evaluation::grid::Grid;
use crate::evaluation::scorer::ScoredWindow;

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
    /// Another detector's labels as they are.
    AsGiven,
}

impl Smoothing {
    /// Those of a checkpoint.
    pub const OURS: [Self; 3] = [Self::Raw, Self::Median, Self::Causal];

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
    /// Voice comes in; else it goes out.
    pub voice: bool,
    /// When, as the detector estimates it.
    pub t_s: f64,
    /// When the last sound that this takes had been heard: the earliest that a listener could be
    /// told, with look-ahead and confirmation and without any computing time. Labels made by
    /// another detector do not say.
    pub told_s: Option<f64>,
}

/// The decisions on a track.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// A state a window.
    pub voice: Vec<bool>,
    pub changes: Vec<Change>,
}

/// Decides on every window of a track. `scored`: a probability a window, with its label.
pub fn decide(
    scored: &[ScoredWindow],
    smoothing: Smoothing,
    point: &OperatingPoint,
    grid: Grid,
) -> Result<Decided, PointError> {
    let p: Vec<f32> = scored.iter().map(|s| s.0).collect();
    let at_threshold = |p: Vec<f32>| p.into_iter().map(|p| p >= point.threshold).collect();
    let lookahead_s = grid.lookahead_s();
    Ok(match smoothing {
        Smoothing::Raw | Smoothing::AsGiven => state_by_state(at_threshold(p), grid, lookahead_s),
        Smoothing::Median => {
            let medians = (0..p.len()).map(|i| centred_median(&p, i)).collect();
            let wait_s = (MEDIAN_WINDOWS / 2) as f64 * WINDOW_HOP_S;
            state_by_state(at_threshold(medians), grid, lookahead_s + wait_s)
        }
        Smoothing::Causal => causal(scored, point, grid)?,
    })
}

/// What the daemon would have published.
pub fn causal(
    scored: &[ScoredWindow],
    point: &OperatingPoint,
    grid: Grid,
) -> Result<Decided, PointError> {
    let mut tracker = Tracker::new(*point)?;
    let mut decided = Decided {
        voice: Vec::with_capacity(scored.len()),
        changes: Vec::new(),
    };
    for (window, &(p, _)) in scored.iter().enumerate() {
        let frame_s = grid.time_s(window);
        let decision = tracker.push(frame_s, p);
        decided.voice.push(decision.voice);
        let change = decision.event.map(|event| match event {
            Event::Onset { t_s } => (true, t_s),
            Event::Offset { t_s, .. } => (false, t_s),
        });
        decided.changes.extend(change.map(|(voice, t_s)| Change {
            voice,
            t_s,
            told_s: Some(frame_s + grid.lookahead_s()),
        }));
    }
    Ok(decided)
}

/// Changes where the state does, the first of them from silence.
fn state_by_state(voice: Vec<bool>, grid: Grid, wait_s: f64) -> Decided {
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
    Decided { voice, changes }
}

fn centred_median(p: &[f32], index: usize) -> f32 {
    let half = MEDIAN_WINDOWS / 2;
    let mut around = p[index.saturating_sub(half)..(index + half + 1).min(p.len())].to_vec();
    around.sort_by(f32::total_cmp);
    around[around.len() / 2]
}
