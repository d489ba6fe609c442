//! Tracks one by one, and a closer look at a few of them.

use serde::Serialize;

use crate::decision::{Horizon, PointError};
use crate::evaluation::decide::{Smoothing, decide};
use crate::evaluation::figures::{Measured, WINDOW_HOP_S, rival_answer};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::reference_system::ReferenceSystem;
use crate::frontend::window::frame_time_s;

/// A track at one horizon.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Song {
    pub corpus: String,
    pub name: String,
    /// With a label.
    pub windows: u64,
    /// Share of the labelled ones with a voice.
    pub voice_share: f64,
    pub accuracy_raw: f64,
    pub accuracy_median: f64,
    pub accuracy_causal: f64,
    /// Of the other detector, where there is one.
    pub accuracy_against: Option<f64>,
}

/// Why a track is looked at closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    Best,
    Median,
    Worst,
}

impl Rank {
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Median => "median",
            Self::Worst => "worst",
        }
    }
}

/// A track with all its decisions. Spans are seconds from and to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    pub rank: Rank,
    pub corpus: String,
    pub name: String,
    pub duration_s: f64,
    /// The time that the first probability speaks of; each further one is `hop_s` later.
    pub first_s: f64,
    pub hop_s: f64,
    pub p: Vec<f32>,
    pub threshold: f32,
    pub enter: f32,
    /// The same where a voice has been heard lately.
    pub reenter: Option<f32>,
    pub leave: f32,
    /// Where the causal decisions are voice.
    pub decided: Vec<[f64; 2]>,
    /// The same of the other detector, where there is one.
    pub against: Option<Vec<[f64; 2]>>,
    pub labelled: Vec<[f64; 2]>,
}

/// Every track of a corpus, in its order.
pub fn songs(
    corpus: &str,
    tracks: &[Measured],
    horizon: &Horizon,
    rival: Option<&ReferenceSystem>,
) -> Result<Vec<Song>, PointError> {
    let song = |track: &Measured| {
        let scored = &track.scored.horizons[horizon.index];
        let grid = track.scored.grid(horizon.frames);
        let confusion = |voice: &[bool]| track.scored.confusion(horizon.index, voice);
        let mut ours = [Confusion::default(); 3];
        for (sum, smoothing) in ours.iter_mut().zip(Smoothing::OURS) {
            let decided = decide(scored, smoothing, &horizon.point, grid)?;
            *sum = confusion(&decided.voice);
        }
        let [raw, median, causal] = ours;
        let answer = rival.and_then(|r| rival_answer(r, track, horizon.index, horizon.frames));
        Ok(Song {
            corpus: corpus.into(),
            name: track.scored.name.clone(),
            windows: raw.total(),
            voice_share: raw.always_voice_accuracy(),
            accuracy_raw: raw.accuracy(),
            accuracy_median: median.accuracy(),
            accuracy_causal: causal.accuracy(),
            accuracy_against: answer.map(|a| confusion(&a.decided.voice).accuracy()),
        })
    };
    tracks.iter().map(song).collect()
}

/// The places of the best, the median and the worst track, by the accuracy of the causal decisions;
/// fewer where there are fewer tracks. Tracks too short for a decision are none of these.
pub fn ranked(songs: &[Song]) -> Vec<(Rank, usize)> {
    let mut order: Vec<usize> = (0..songs.len()).filter(|&i| songs[i].windows > 0).collect();
    order.sort_by(|&a, &b| {
        songs[b]
            .accuracy_causal
            .total_cmp(&songs[a].accuracy_causal)
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

/// A closer look at a track.
pub fn shown(
    corpus: &str,
    rank: Rank,
    track: &Measured,
    horizon: &Horizon,
    rival: Option<&ReferenceSystem>,
) -> Result<Shown, PointError> {
    let scored = &track.scored.horizons[horizon.index];
    let grid = track.scored.grid(horizon.frames);
    let decided = decide(scored, Smoothing::Causal, &horizon.point, grid)?;
    let window_s = |window: usize| grid.time_s(window);
    let answer = rival.and_then(|r| rival_answer(r, track, horizon.index, horizon.frames));
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
        decided: spans(&decided.voice, window_s),
        against: answer.map(|a| spans(&a.decided.voice, window_s)),
        labelled: spans(&voiced, frame_time_s),
    })
}

/// From the time of the first to that of the first after each run of `true`.
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
