//! Figures of single tracks, and all decisions on a few of them.

use serde::Serialize;

use crate::decision::{Horizon, PointError};
use crate::evaluation::decide::{Smoothing, decide};
use crate::evaluation::figures::{Measured, reference_output};
use crate::evaluation::grid::WINDOW_HOP_S;
use crate::evaluation::metrics::Confusion;
use crate::evaluation::reference_system::ReferenceSystem;
use crate::evaluation::scorer::ScoredWindow;
use crate::frontend::window::frame_time_s;

/// Figures of a track at one horizon.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Song {
    /// Name of the corpus.
    pub corpus: String,
    /// Name of the track.
    pub name: String,
    /// All decisions.
    #[serde(flatten)]
    pub decisions: SongFigures,
    /// The decisions outside the collar.
    pub outside_collar: SongFigures,
}

/// Figures of some of the decisions on a track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SongFigures {
    /// Decisions with a label.
    pub windows: u64,
    /// Share of these labels that is voice.
    pub voice_share: f64,
    /// Accuracy of raw decisions.
    pub accuracy_raw: f64,
    /// Accuracy with the centred median.
    pub accuracy_median: f64,
    /// Accuracy of the decisions that the daemon publishes.
    pub accuracy_causal: f64,
    /// Accuracy of the reference system, if there is one.
    pub accuracy_reference: Option<f64>,
}

/// Rank of a track in its corpus by causal accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// The most accurate.
    Best,
    /// In the middle.
    Median,
    /// The least accurate.
    Worst,
}

impl Rank {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Median => "median",
            Self::Worst => "worst",
        }
    }
}

/// A track with all its decisions at one horizon. Spans are start and end in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Rank in the corpus.
    pub rank: Rank,
    /// Name of the corpus.
    pub corpus: String,
    /// Name of the track.
    pub name: String,
    /// Duration in seconds.
    pub duration_s: f64,
    /// Time of the first probability in seconds.
    pub first_s: f64,
    /// Time from one probability to the next in seconds.
    pub hop_s: f64,
    /// Probabilities of voice.
    pub p: Vec<f32>,
    /// Threshold of raw decisions.
    pub threshold: f32,
    /// Threshold of an onset.
    pub enter: f32,
    /// Threshold of an onset after recent voice, if it differs.
    pub reenter: Option<f32>,
    /// Threshold of an offset.
    pub leave: f32,
    /// Spans of voice by the causal decisions.
    pub decided: Vec<[f64; 2]>,
    /// Spans of voice by the reference system, if there is one.
    pub reference: Option<Vec<[f64; 2]>>,
    /// Spans of voice by the labels.
    pub labelled: Vec<[f64; 2]>,
}

/// Figures of every track of a corpus, in the same order.
///
/// # Errors
///
/// The operating point is invalid.
pub fn songs(
    corpus: &str,
    tracks: &[Measured],
    horizon: &Horizon,
    reference: Option<&ReferenceSystem>,
    collar_s: f64,
) -> Result<Vec<Song>, PointError> {
    let song = |track: &Measured| {
        let scored = &track.scored.horizons[horizon.index];
        let grid = track.scored.grid(horizon.frames);
        let decided = |smoothing| -> Result<Vec<bool>, PointError> {
            Ok(decide(scored, smoothing, &horizon.point, grid)?.voice)
        };
        let [raw, median, causal] = Smoothing::OF_CHECKPOINT.map(decided);
        let decided = [raw?, median?, causal?];
        let output =
            reference.and_then(|r| reference_output(r, track, horizon.index, horizon.frames));
        let reference = output.map(|output| output.decisions.voice);
        let kept = track.windows_outside_collar(horizon.index, grid, collar_s);
        Ok(Song {
            corpus: corpus.into(),
            name: track.scored.name.clone(),
            decisions: song_figures(scored, &decided, reference.as_deref()),
            outside_collar: song_figures(&kept, &decided, reference.as_deref()),
        })
    };
    tracks.iter().map(song).collect()
}

/// The figures of raw, median and causal decisions, and of a reference system's, on the windows that have a label.
fn song_figures(
    windows: &[ScoredWindow],
    decided: &[Vec<bool>; 3],
    reference: Option<&[bool]>,
) -> SongFigures {
    let confusion = |voice: &[bool]| {
        let mut confusion = Confusion::default();
        for (&(_, label), &voice) in windows.iter().zip(voice) {
            label
                .into_iter()
                .for_each(|label| confusion.count(voice, label));
        }
        confusion
    };
    let [raw, median, causal] = decided.each_ref().map(|voice| confusion(voice));
    SongFigures {
        windows: raw.total(),
        voice_share: raw.always_voice_accuracy(),
        accuracy_raw: raw.accuracy(),
        accuracy_median: median.accuracy(),
        accuracy_causal: causal.accuracy(),
        accuracy_reference: reference.map(|voice| confusion(voice).accuracy()),
    }
}

/// Indices of the best, the median and the worst track by causal accuracy; fewer if there are fewer tracks. Tracks that
/// are too short for a decision are ignored.
pub fn ranked(songs: &[Song]) -> Vec<(Rank, usize)> {
    let mut order: Vec<usize> = (0..songs.len())
        .filter(|&i| songs[i].decisions.windows > 0)
        .collect();
    order.sort_by(|&a, &b| {
        songs[b]
            .decisions
            .accuracy_causal
            .total_cmp(&songs[a].decisions.accuracy_causal)
    });
    let chosen = [
        (Rank::Best, 0),
        (Rank::Worst, order.len().saturating_sub(1)),
        (Rank::Median, order.len() / 2),
    ];
    let mut found: Vec<(Rank, usize)> = Vec::new();
    for (rank, place) in chosen {
        if let Some(&index) = order.get(place)
            && found.iter().all(|(_, other)| *other != index)
        {
            found.push((rank, index));
        }
    }
    found.sort_by_key(|(rank, _)| *rank as u8);
    found
}

/// A track with all its decisions.
///
/// # Errors
///
/// The operating point is invalid.
pub fn shown(
    corpus: &str,
    rank: Rank,
    track: &Measured,
    horizon: &Horizon,
    reference: Option<&ReferenceSystem>,
) -> Result<Shown, PointError> {
    let scored = &track.scored.horizons[horizon.index];
    let grid = track.scored.grid(horizon.frames);
    let decisions = decide(scored, Smoothing::Causal, &horizon.point, grid)?;
    let window_s = |window: usize| grid.time_s(window);
    let output = reference.and_then(|r| reference_output(r, track, horizon.index, horizon.frames));
    let voiced: Vec<bool> = track.labels.iter().map(|l| *l == Some(true)).collect();
    Ok(Shown {
        rank,
        corpus: corpus.into(),
        name: track.scored.name.clone(),
        duration_s: frame_time_s(track.labels.len()),
        first_s: window_s(0),
        hop_s: WINDOW_HOP_S,
        p: scored.iter().map(|s| s.0).collect(),
        threshold: horizon.point.threshold,
        enter: horizon.point.enter,
        reenter: horizon.point.reentry.map(|reentry| reentry.reenter),
        leave: horizon.point.leave,
        decided: spans(&decisions.voice, window_s),
        reference: output.map(|o| spans(&o.decisions.voice, window_s)),
        labelled: spans(&voiced, frame_time_s),
    })
}

/// The time of the first element of each run of `true`, and that of the first element after it.
fn spans(voice: &[bool], time_s: impl Fn(usize) -> f64) -> Vec<[f64; 2]> {
    let mut spans = Vec::new();
    let mut index = 0;
    for run in voice.chunk_by(|a, b| a == b) {
        if run[0] {
            spans.push([time_s(index), time_s(index + run.len())]);
        }
        index += run.len();
    }
    spans
}
