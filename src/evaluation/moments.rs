//! The worst moments: the longest stretches in which the published decisions contradict the labels.

use serde::Serialize;

use crate::decision::{Horizon, PointError};
use crate::evaluation::decide::{Smoothing, decide};
use crate::evaluation::figures::Measured;
use crate::evaluation::grid::WINDOW_HOP_S;

/// Number of moments in a report.
const MAX_MOMENTS: usize = 12;
/// Most of them of one track, so that one with wrong labels does not fill the list.
const MAX_OF_TRACK: usize = 3;

/// A stretch of wrong decisions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// Name of the corpus.
    pub corpus: String,
    /// Name of the track.
    pub name: String,
    /// What is wrong.
    pub error: MomentError,
    /// Start in seconds of the track.
    pub from_s: f64,
    /// End in seconds of the track.
    pub to_s: f64,
    /// Index of the track in its corpus.
    #[serde(skip)]
    pub track: usize,
}

/// What is wrong at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentError {
    /// A labelled voice was not detected.
    MissedVoice,
    /// A voice was detected where the labels have none.
    FalseVoice,
}

impl MomentError {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissedVoice => "missed voice",
            Self::FalseVoice => "false voice",
        }
    }
}

impl Moment {
    /// Duration in seconds.
    pub fn duration_s(&self) -> f64 {
        self.to_s - self.from_s
    }
}

/// Every stretch of wrong decisions of a corpus. Windows without a label end a stretch.
///
/// # Errors
///
/// The operating point is invalid.
pub fn wrong(
    corpus: &str,
    tracks: &[Measured],
    horizon: &Horizon,
) -> Result<Vec<Moment>, PointError> {
    let mut moments = Vec::new();
    for (index, track) in tracks.iter().enumerate() {
        let windows = &track.scored.horizons[horizon.index];
        let grid = track.scored.grid(horizon.frames);
        let decided = decide(windows, Smoothing::Causal, &horizon.point, grid)?.voice;
        let error = |(&voice, (_, label)): (&bool, &(f32, Option<bool>))| match (voice, label) {
            (true, Some(false)) => Some(MomentError::FalseVoice),
            (false, Some(true)) => Some(MomentError::MissedVoice),
            _ => None,
        };
        let errors: Vec<Option<MomentError>> = decided.iter().zip(windows).map(error).collect();
        let mut window = 0;
        for run in errors.chunk_by(|a, b| a == b) {
            moments.extend(run[0].map(|error| Moment {
                corpus: corpus.into(),
                name: track.scored.name.clone(),
                error,
                from_s: grid.time_s(window),
                to_s: grid.time_s(window) + run.len() as f64 * WINDOW_HOP_S,
                track: index,
            }));
            window += run.len();
        }
    }
    Ok(moments)
}

/// The longest moments, the worst first.
pub fn worst(mut moments: Vec<Moment>) -> Vec<Moment> {
    moments.sort_by(|a, b| b.duration_s().total_cmp(&a.duration_s()));
    let mut chosen: Vec<Moment> = Vec::new();
    for moment in moments {
        let is_same =
            |other: &&Moment| (&other.corpus, other.track) == (&moment.corpus, moment.track);
        if chosen.len() < MAX_MOMENTS && chosen.iter().filter(is_same).count() < MAX_OF_TRACK {
            chosen.push(moment);
        }
    }
    chosen
}
