//! The figures of a detector on a corpus: accuracy and its relatives, onsets and offsets.
//!
//! A checkpoint is measured with raw decisions, with the centred median that papers report, and with the causal
//! decisions that the daemon publishes.

use serde::Serialize;

use crate::corpora::Track;
use crate::decision::{OperatingPoint, PointError};
use crate::evaluation::bootstrap::mean_with_interval;
use crate::evaluation::decide::{Decisions, Smoothing, decide};
use crate::evaluation::events::{EventFigures, EventTally, LabelChange, label_changes};
use crate::evaluation::grid::{Grid, WINDOW_HOP_S};
use crate::evaluation::metrics::{Confusion, auroc};
use crate::evaluation::reference_system::{ReferenceOutput, ReferenceSystem};
use crate::evaluation::scorer::{ScoredTrack, pooled};
use crate::frontend::window::lookahead_s;

/// A track, scored at every horizon of a checkpoint.
pub struct Measured {
    /// Probabilities and labels of the windows.
    pub scored: ScoredTrack,
    /// Whether there is a voice in each frame; `None` where there is no label.
    pub labels: Vec<Option<bool>>,
}

impl Measured {
    /// `scored` is the scored `track`.
    pub fn new(track: &Track, scored: ScoredTrack) -> Self {
        Self {
            scored,
            labels: track.voice.clone(),
        }
    }
}

/// A detector on a corpus at one horizon and smoothing. A figure that could not be measured, as the AUROC of labels
/// without probabilities, is NaN, in JSON null.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Name of the corpus.
    pub corpus: String,
    /// Name of the checkpoint or of the reference system.
    pub detector: String,
    /// How decisions were made.
    pub smoothing: Smoothing,
    /// The horizon of the decisions. A reference system is measured on the same frames.
    pub horizon_frames: u32,
    /// In seconds; unknown for a reference system.
    pub lookahead_s: Option<f64>,
    /// Decisions with a label.
    pub windows: u64,
    /// Over all decisions.
    pub accuracy: f64,
    /// Mean over tracks, and its 95 % interval by bootstrap over tracks.
    pub track_accuracy: [f64; 3],
    /// Over all decisions.
    pub precision: f64,
    /// Over all decisions.
    pub recall: f64,
    /// Over all decisions.
    pub f1: f64,
    /// Over all decisions.
    pub false_positive_rate: f64,
    /// Area under the ROC curve over all decisions.
    pub auroc: f64,
    /// Accuracy of the constant decision "voice".
    pub always_voice_accuracy: f64,
    /// Seconds of false voice per hour of the tracks without any voice.
    pub false_voice_s_per_hour: f64,
    /// Detected onsets and offsets per minute of the tracks that are labelled throughout.
    pub events_per_minute: f64,
    /// Labelled onsets and offsets per minute of the same tracks.
    pub labelled_events_per_minute: f64,
    /// Onsets of the same tracks.
    pub onsets: EventFigures,
    /// Offsets of the same tracks.
    pub offsets: EventFigures,
}

/// The figures of a checkpoint on a corpus, at every horizon and smoothing. `points` holds the operating point of each
/// horizon.
///
/// # Errors
///
/// An operating point is invalid.
pub fn figures(
    corpus: &str,
    detector: &str,
    tracks: &[Measured],
    horizons_frames: &[u32],
    points: &[OperatingPoint],
) -> Result<Vec<Figures>, PointError> {
    let mut rows = Vec::new();
    for (h, (&horizon_frames, point)) in horizons_frames.iter().zip(points).enumerate() {
        for smoothing in Smoothing::OF_CHECKPOINT {
            let mut tally = Tally::default();
            for track in tracks {
                let scored = &track.scored.horizons[h];
                let grid = track.scored.grid(horizon_frames);
                let decisions = decide(scored, smoothing, point, grid)?;
                tally.add(track, h, grid, &decisions);
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

/// The figures of a reference system, at the times of the decisions of horizon index `h`. `None` if it lacks a track.
pub fn reference_figures(
    corpus: &str,
    reference: &ReferenceSystem,
    tracks: &[Measured],
    h: usize,
    horizon_frames: u32,
) -> Option<Figures> {
    let mut tally = Tally::default();
    for track in tracks {
        let output = reference_output(reference, track, h, horizon_frames)?;
        let grid = track.scored.grid(horizon_frames);
        tally.add(track, h, grid, &output.decisions);
    }
    let scores = reference_scores(reference, tracks, h, horizon_frames);
    Some(Figures {
        auroc: scores.map_or(f64::NAN, |scores| auroc(&scores)),
        ..tally.figures(corpus, &reference.name, Smoothing::AsGiven, horizon_frames)
    })
}

/// The output of a reference system on a track, at the times of the decisions of horizon index `h`.
pub(super) fn reference_output(
    reference: &ReferenceSystem,
    track: &Measured,
    h: usize,
    horizon_frames: u32,
) -> Option<ReferenceOutput> {
    let windows = track.scored.horizons[h].len();
    let grid = track.scored.grid(horizon_frames);
    reference.output(&track.scored.name, windows, grid)
}

/// The probabilities of a reference system with the labels, if it has probabilities for every track.
pub fn reference_scores(
    reference: &ReferenceSystem,
    tracks: &[Measured],
    h: usize,
    horizon_frames: u32,
) -> Option<Vec<(f32, bool)>> {
    let mut scores = Vec::new();
    for track in tracks {
        let p = reference_output(reference, track, h, horizon_frames)?.p?;
        let labels = track.scored.horizons[h].iter().map(|s| s.1);
        let labelled = p.into_iter().zip(labels);
        scores.extend(labelled.filter_map(|(p, voice)| Some((p, voice?))));
    }
    Some(scores)
}

/// Counts over the tracks of a corpus.
#[derive(Default)]
struct Tally {
    total: Confusion,
    /// Of the tracks without any voice.
    voiceless: Confusion,
    /// Of each track.
    accuracies: Vec<f64>,
    /// Windows of the tracks that are labelled throughout; the events below are theirs.
    fully_labelled_windows: usize,
    events: usize,
    labelled_events: usize,
    onsets: EventTally,
    offsets: EventTally,
}

impl Tally {
    fn add(&mut self, track: &Measured, h: usize, grid: Grid, decisions: &Decisions) {
        let confusion = track.scored.confusion(h, &decisions.voice);
        if confusion.total() == 0 {
            return;
        }
        self.total = self.total + confusion;
        if !track.labels.contains(&Some(true)) {
            self.voiceless = self.voiceless + confusion;
        }
        self.accuracies.push(confusion.accuracy());
        // Next to a part without labels the times of changes are unknown.
        let known: Option<Vec<bool>> = track.labels.iter().copied().collect();
        let Some(labels) = known else {
            return;
        };
        let windows = track.scored.horizons[h].len();
        let labelled: Vec<LabelChange> = label_changes(&labels, windows, grid);
        self.fully_labelled_windows += windows;
        self.events += decisions.changes.len();
        self.labelled_events += labelled.len();
        self.onsets.add(&labelled, &decisions.changes, true);
        self.offsets.add(&labelled, &decisions.changes, false);
    }

    fn figures(
        &self,
        corpus: &str,
        detector: &str,
        smoothing: Smoothing,
        horizon_frames: u32,
    ) -> Figures {
        let total = &self.total;
        let minutes = self.fully_labelled_windows as f64 * WINDOW_HOP_S / 60.0;
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
