//! Measures a checkpoint on labelled tracks: raw decisions, the centred median that papers
//! report, and the causal decisions the daemon publishes; beside another detector where there are
//! labels of one.
//!
//! [`decide`] makes decisions, [`events`] matches onsets and offsets, [`curves`] goes through all
//! thresholds, [`songs`] looks at tracks one by one, [`rival`] reads another detector's labels,
//! [`stress`] tests what should not matter.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use crate::corpora::Track;
use crate::decision::OperatingPoint;
use crate::decision::PointError;
use crate::evaluation::decide::{Decided, Smoothing, decide};
use crate::evaluation::events::{EventFigures, EventTally, LabelChange, label_changes};
use crate::evaluation::grid::Grid;
use crate::evaluation::metrics::{Confusion, auroc};
use crate::evaluation::reference_system::{Answer, ReferenceSystem};
use crate::evaluation::scorer::{ScoredTrack, pooled};
use crate::frontend::window::lookahead_s;
use crate::frontend::{SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES};

/// 0.79 s of decisions around each one: the odd number of windows nearest to 0.8 s.
pub const MEDIAN_WINDOWS: usize = 11;
/// Draws of the bootstrap; its interval does not move in the third decimal beyond this.
pub const BOOTSTRAP_DRAWS: usize = 2000;

pub const WINDOW_HOP_S: f64 = WINDOW_HOP_SAMPLES as f64 / SAMPLE_RATE_HZ as f64;

/// A track, scored at every horizon of a checkpoint.
pub struct Measured {
    pub scored: ScoredTrack,
    /// Whether there is a voice, a value a frame, where it is known.
    pub labels: Vec<Option<bool>>,
}

impl Measured {
    pub fn new(track: &Track, scored: ScoredTrack) -> Self {
        Self {
            scored,
            labels: track.voice.clone(),
        }
    }
}

/// A detector on a corpus, at one horizon and smoothing. What was not measured, as the AUROC of
/// labels without probabilities, is NaN; in JSON null.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    pub corpus: String,
    pub detector: String,
    pub smoothing: Smoothing,
    /// Whose frames the decisions speak of. Another detector is asked about the same ones.
    pub horizon_frames: u32,
    /// Of another detector it is not known.
    pub lookahead_s: Option<f64>,
    pub windows: u64,
    pub accuracy: f64,
    /// Mean over tracks with the 95 % interval of a bootstrap over tracks.
    pub track_accuracy: [f64; 3],
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub false_positive_rate: f64,
    pub auroc: f64,
    pub always_voice_accuracy: f64,
    /// Seconds decided to be voice in an hour of those tracks that have no voice at all.
    pub false_voice_s_per_hour: f64,
    /// Onsets and offsets together, of the decisions and of the labels, where tracks are labelled throughout.
    pub events_per_minute: f64,
    pub labelled_events_per_minute: f64,
    pub onsets: EventFigures,
    pub offsets: EventFigures,
}

/// All figures of a checkpoint on a corpus: every horizon, every smoothing.
pub fn figures(
    corpus: &str,
    detector: &str,
    tracks: &[Measured],
    horizons_frames: &[u32],
    points: &[OperatingPoint],
) -> Result<Vec<Figures>, PointError> {
    let mut rows = Vec::new();
    for (h, (&horizon_frames, point)) in horizons_frames.iter().zip(points).enumerate() {
        for smoothing in Smoothing::OURS {
            let mut tally = Tally::default();
            for track in tracks {
                let scored = &track.scored.horizons[h];
                let grid = track.scored.grid(horizon_frames);
                let decided = decide(scored, smoothing, point, grid)?;
                tally.add(track, h, grid, &decided);
            }
            rows.push(Figures {
                lookahead_s: Some(lookahead_s(horizon_frames)),
                auroc: auroc(&pooled(tracks.iter().map(|t| &t.scored), h)),
                ..tally.figures(corpus, detector, smoothing, horizon_frames)
            });
        }
    }
    Ok(rows)
}

/// The same of another detector, at the times of the decisions of horizon `h`. Nothing where it
/// has not answered for every track.
pub fn rival_figures(
    corpus: &str,
    rival: &ReferenceSystem,
    tracks: &[Measured],
    h: usize,
    horizon_frames: u32,
) -> Option<Figures> {
    let mut tally = Tally::default();
    for track in tracks {
        let answer = rival_answer(rival, track, h, horizon_frames)?;
        let grid = track.scored.grid(horizon_frames);
        tally.add(track, h, grid, &answer.decided);
    }
    Some(Figures {
        auroc: rival_scores(rival, tracks, h, horizon_frames).map_or(f64::NAN, |s| auroc(&s)),
        ..tally.figures(corpus, &rival.name, Smoothing::AsGiven, horizon_frames)
    })
}

pub(super) fn rival_answer(
    rival: &ReferenceSystem,
    track: &Measured,
    h: usize,
    horizon_frames: u32,
) -> Option<Answer> {
    let windows = track.scored.horizons[h].len();
    let grid = track.scored.grid(horizon_frames);
    rival.answer(&track.scored.name, windows, grid)
}

/// Another detector's probabilities with the labels, where all its labels hold some.
pub fn rival_scores(
    rival: &ReferenceSystem,
    tracks: &[Measured],
    h: usize,
    horizon_frames: u32,
) -> Option<Vec<(f32, bool)>> {
    let mut scores = Vec::new();
    for track in tracks {
        let p = rival_answer(rival, track, h, horizon_frames)?.p?;
        let labels = track.scored.horizons[h].iter().map(|s| s.1);
        let labelled = p.into_iter().zip(labels);
        scores.extend(labelled.filter_map(|(p, voice)| Some((p, voice?))));
    }
    Some(scores)
}

/// What is counted over the tracks of a corpus.
#[derive(Default)]
struct Tally {
    total: Confusion,
    /// Of the tracks without any voice.
    voiceless: Confusion,
    accuracies: Vec<f64>,
    /// Of the tracks labelled throughout, whose events are counted.
    followed_windows: usize,
    events: usize,
    labelled_events: usize,
    onsets: EventTally,
    offsets: EventTally,
}

impl Tally {
    fn add(&mut self, track: &Measured, h: usize, grid: Grid, decided: &Decided) {
        let confusion = track.scored.confusion(h, &decided.voice);
        if confusion.total() == 0 {
            return;
        }
        self.total = self.total + confusion;
        if !track.labels.contains(&Some(true)) {
            self.voiceless = self.voiceless + confusion;
        }
        self.accuracies.push(confusion.accuracy());
        // Beside a part without a label nobody knows when the voice came or went.
        let known: Option<Vec<bool>> = track.labels.iter().copied().collect();
        let Some(labels) = known else {
            return;
        };
        let windows = track.scored.horizons[h].len();
        let labelled: Vec<LabelChange> = label_changes(&labels, windows, grid);
        self.followed_windows += windows;
        self.events += decided.changes.len();
        self.labelled_events += labelled.len();
        self.onsets.add(&labelled, &decided.changes, true);
        self.offsets.add(&labelled, &decided.changes, false);
    }

    fn figures(
        &self,
        corpus: &str,
        detector: &str,
        smoothing: Smoothing,
        horizon_frames: u32,
    ) -> Figures {
        let total = &self.total;
        let minutes = self.followed_windows as f64 * WINDOW_HOP_S / 60.0;
        Figures {
            corpus: corpus.into(),
            detector: detector.into(),
            smoothing,
            horizon_frames,
            lookahead_s: None,
            windows: total.total(),
            accuracy: total.accuracy(),
            track_accuracy: mean_with_interval(&self.accuracies),
            precision: total.precision(),
            recall: total.recall(),
            f1: total.f1(),
            false_positive_rate: total.false_positive_rate(),
            auroc: f64::NAN,
            always_voice_accuracy: total.always_voice_accuracy(),
            false_voice_s_per_hour: self.voiceless.false_positive_rate() * 3600.0,
            events_per_minute: self.events as f64 / minutes,
            labelled_events_per_minute: self.labelled_events as f64 / minutes,
            onsets: self.onsets.figures(),
            offsets: self.offsets.figures(),
        }
    }
}

/// Mean, and the 2.5 and 97.5 % quantiles of the means of resampled tracks.
fn mean_with_interval(values: &[f64]) -> [f64; 3] {
    let tracks: Vec<[f64; 2]> = values.iter().map(|&value| [value, 1.0]).collect();
    share_with_interval(&tracks)
}

/// The share of some part in the whole over all tracks, `[part, whole]` each, and its 2.5 and 97.5 %
/// quantiles over resampled tracks.
pub fn share_with_interval(tracks: &[[f64; 2]]) -> [f64; 3] {
    if tracks.is_empty() {
        return [f64::NAN; 3];
    }
    let share = |drawn: &mut dyn Iterator<Item = [f64; 2]>| {
        let [part, whole] = drawn.fold([0.0; 2], |sum, track| {
            [sum[0] + track[0], sum[1] + track[1]]
        });
        part / whole
    };
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut draw =
        || share(&mut (0..tracks.len()).map(|_| tracks[rng.random_range(0..tracks.len())]));
    let mut shares: Vec<f64> = (0..BOOTSTRAP_DRAWS).map(|_| draw()).collect();
    shares.sort_by(f64::total_cmp);
    let quantile = |q: f64| shares[((BOOTSTRAP_DRAWS - 1) as f64 * q).round() as usize];
    let all = share(&mut tracks.iter().copied());
    [all, quantile(0.025), quantile(0.975)]
}
