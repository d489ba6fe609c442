//! The figures of a detector on a corpus: accuracy and its relatives, onsets and offsets.
//!
//! A checkpoint is measured with raw decisions, with the centred median that papers report, and with the causal
//! decisions that the daemon publishes. Every figure of decisions is computed over all of them, and over those outside
//! the collar around labelled changes.

use serde::Serialize;

use crate::corpora::Track;
use crate::decision::{OperatingPoint, PointError};
use crate::evaluation::collar::outside_collar;
use crate::evaluation::decide::{Decisions, Smoothing, decide};
use crate::evaluation::decision_figures::{DecisionFigures, DecisionTally};
use crate::evaluation::events::{EventFigures, EventTally, LabelChange, label_changes};
use crate::evaluation::grid::{Grid, WINDOW_HOP_S};
use crate::evaluation::phrases::{PhraseFigures, PhraseTally};
use crate::evaluation::reference_system::{ReferenceOutput, ReferenceSystem};
use crate::evaluation::scorer::{ScoredTrack, ScoredWindow};
use crate::evaluation::sound_events::{SoundEventFigures, SoundEventTally, Voices};
use crate::frontend::window::lookahead_s;

/// A track, scored at every horizon of a checkpoint.
pub struct Measured {
    /// Probabilities and labels of the windows.
    pub scored: ScoredTrack,
    /// The song that the track is a version of.
    pub song: String,
    /// Whether there is a voice in each frame; `None` where there is no label.
    pub labels: Vec<Option<bool>>,
}

impl Measured {
    /// `scored` is the scored `track`.
    pub fn new(track: &Track, scored: ScoredTrack) -> Self {
        Self {
            scored,
            song: track.song.clone(),
            labels: track.voice.clone(),
        }
    }

    /// The windows at a horizon index, those inside the collar without their labels.
    pub fn windows_outside_collar(&self, h: usize, grid: Grid, collar_s: f64) -> Vec<ScoredWindow> {
        let windows = &self.scored.horizons[h];
        let is_outside = outside_collar(&self.labels, windows.len(), grid, collar_s);
        let kept = windows.iter().zip(is_outside);
        kept.map(|(&(p, label), is_outside)| (p, label.filter(|_| is_outside)))
            .collect()
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
    /// All decisions.
    #[serde(flatten)]
    pub decisions: DecisionFigures,
    /// The decisions outside the collar.
    pub outside_collar: DecisionFigures,
    /// Detected onsets and offsets per minute of the tracks that are labelled throughout.
    pub events_per_minute: f64,
    /// Labelled onsets and offsets per minute of the same tracks.
    pub labelled_events_per_minute: f64,
    /// Onsets of the same tracks.
    pub onsets: EventFigures,
    /// Offsets of the same tracks.
    pub offsets: EventFigures,
    /// Voices of the same tracks as sound events.
    pub sound_events: SoundEventFigures,
    /// Phrases of the same tracks.
    pub phrases: PhraseFigures,
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
    collar_s: f64,
) -> Result<Vec<Figures>, PointError> {
    let mut rows = Vec::new();
    for (h, (&horizon_frames, point)) in horizons_frames.iter().zip(points).enumerate() {
        for smoothing in Smoothing::OF_CHECKPOINT {
            let mut tally = Tally::new(collar_s);
            for track in tracks {
                let scored = &track.scored.horizons[h];
                let grid = track.scored.grid(horizon_frames);
                let decisions = decide(scored, smoothing, point, grid)?;
                let p = scored.iter().map(|s| s.0).collect();
                tally.add(track, h, grid, &decisions, Some(p));
            }
            rows.push(Figures {
                lookahead_s: Some(lookahead_s(horizon_frames)),
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
    collar_s: f64,
) -> Option<Figures> {
    let mut tally = Tally::new(collar_s);
    for track in tracks {
        let output = reference_output(reference, track, h, horizon_frames)?;
        let grid = track.scored.grid(horizon_frames);
        tally.add(track, h, grid, &output.decisions, output.p);
    }
    Some(tally.figures(corpus, &reference.name, Smoothing::AsGiven, horizon_frames))
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
struct Tally {
    collar_s: f64,
    all: DecisionTally,
    outside_collar: DecisionTally,
    /// Windows of the tracks that are labelled throughout; everything below is theirs.
    fully_labelled_windows: usize,
    events: usize,
    labelled_events: usize,
    onsets: EventTally,
    offsets: EventTally,
    sound_events: SoundEventTally,
    phrases: PhraseTally,
}

impl Tally {
    fn new(collar_s: f64) -> Self {
        Self {
            collar_s,
            all: DecisionTally::default(),
            outside_collar: DecisionTally::default(),
            fully_labelled_windows: 0,
            events: 0,
            labelled_events: 0,
            onsets: EventTally::default(),
            offsets: EventTally::default(),
            sound_events: SoundEventTally::default(),
            phrases: PhraseTally::default(),
        }
    }

    /// Adds a track; `p` holds the probability of each window, if there are any.
    fn add(
        &mut self,
        track: &Measured,
        h: usize,
        grid: Grid,
        decisions: &Decisions,
        p: Option<Vec<f32>>,
    ) {
        let has_voice = track.labels.contains(&Some(true));
        let all = &track.scored.horizons[h];
        let kept = track.windows_outside_collar(h, grid, self.collar_s);
        for (tally, windows) in [(&mut self.all, all), (&mut self.outside_collar, &kept)] {
            let labels = windows.iter().map(|window| window.1);
            tally.add(
                &track.song,
                has_voice,
                labels,
                &decisions.voice,
                p.as_deref(),
            );
        }
        // Next to a part without labels the times of changes are unknown.
        let known: Option<Vec<bool>> = track.labels.iter().copied().collect();
        let (Some(labels), false) = (known, all.is_empty()) else {
            return;
        };
        let windows = all.len();
        let labelled: Vec<LabelChange> = label_changes(&labels, windows, grid);
        self.fully_labelled_windows += windows;
        self.events += decisions.changes.len();
        self.labelled_events += labelled.len();
        self.onsets.add(&labelled, &decisions.changes, true);
        self.offsets.add(&labelled, &decisions.changes, false);
        let voices = Voices::new(&labelled, &decisions.changes, windows, grid);
        self.sound_events
            .add(&voices.labelled, &voices.detected, voices.measured);
        self.phrases.add(&voices, self.collar_s);
    }

    fn figures(
        &self,
        corpus: &str,
        detector: &str,
        smoothing: Smoothing,
        horizon_frames: u32,
    ) -> Figures {
        let minutes = self.fully_labelled_windows as f64 * WINDOW_HOP_S / 60.0;
        Figures {
            corpus: corpus.into(),
            detector: detector.into(),
            smoothing,
            horizon_frames,
            lookahead_s: None,
            decisions: self.all.figures(),
            outside_collar: self.outside_collar.figures(),
            events_per_minute: self.events as f64 / minutes,
            labelled_events_per_minute: self.labelled_events as f64 / minutes,
            onsets: self.onsets.figures(),
            offsets: self.offsets.figures(),
            sound_events: self.sound_events.figures(),
            phrases: self.phrases.figures(),
        }
    }
}
