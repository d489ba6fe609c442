//! The report of `vocald evaluate`, in JSON, Markdown and HTML.
//!
//! [`Report`] is the JSON; the other forms are made from it. Times are in seconds unless their name states another unit.
//! A figure that could not be measured, as the recall on music without a voice, is null. The shape changes only with
//! `v`; docs/evaluation.md describes it.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::atomic_file;
use crate::decision::{Horizon, OperatingPoint};
use crate::evaluation::BOOTSTRAP_DRAWS;
use crate::evaluation::comparison::Comparison;
use crate::evaluation::curves::Curves;
use crate::evaluation::decide::{MEDIAN_WINDOWS, Smoothing};
use crate::evaluation::events::MATCH_TOLERANCE_S;
use crate::evaluation::figures::Figures;
use crate::evaluation::grid::WINDOW_HOP_S;
use crate::evaluation::moments::Moment;
use crate::evaluation::phrases::PHRASE_PAUSE_S;
use crate::evaluation::songs::{Shown, Song};
use crate::evaluation::sound_events::{EVENT_TOLERANCE_S, OFFSET_TOLERANCE_SHARE, SEGMENT_S};
use crate::evaluation::speech_figures::SpeechFigures;
use crate::evaluation::stress::Stress;
use crate::frontend::window::lookahead_s;
use crate::model::Metadata;
use crate::reporting::clip::Clip;
use crate::reporting::mel_picture::MelPicture;
use crate::reporting::{html, markdown, moments, plots, tables};

/// Version of the shape of the JSON.
pub const REPORT_VERSION: u32 = 1;

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub v: u32,
    /// Version of the program.
    pub version: &'static str,
    /// The checkpoint.
    pub model: Model,
    /// The experiment or folder.
    pub data: String,
    /// The split of an experiment.
    pub split: Option<String>,
    /// The name of the reference system, if there is one.
    pub reference: Option<String>,
    /// Constants of the measurement.
    pub method: Method,
    /// The data.
    pub corpora: Vec<CorpusAbout>,
    /// One for each corpus, detector, horizon and smoothing.
    pub figures: Vec<Figures>,
    /// One for each corpus and detector with probabilities, at the horizon of [`Model::horizon_frames`].
    pub curves: Vec<Curves>,
    /// One for each corpus, at the same horizon, if there is a reference system.
    pub comparisons: Vec<Comparison>,
    /// One for each track, at the same horizon.
    pub songs: Vec<Song>,
    /// The best, the median and the worst track of each corpus, at the same horizon.
    pub shown: Vec<Shown>,
    /// The longest stretches of wrong decisions as published, at the same horizon; the worst first.
    pub moments: Vec<Moment>,
    /// One for each corpus with labels of speech, at the same horizon; empty for a checkpoint without that output.
    pub speech: Vec<SpeechFigures>,
    /// The stress tests, if they were run.
    pub stress: Option<Stress>,
}

/// Pictures and sound of a report.
pub struct Illustrations {
    /// The spectrogram of each of the shown tracks.
    pub pictures: Vec<MelPicture>,
    /// The sound of each moment.
    pub clips: Vec<Clip>,
}

impl Report {
    /// Whether a row has the decisions that the daemon publishes, at the detailed look-ahead.
    pub fn is_published(&self, f: &Figures) -> bool {
        f.smoothing == Smoothing::Causal && f.horizon_frames == self.model.horizon_frames
    }

    /// The file of a moment's sound, beside the report.
    pub fn clip_name(index: usize) -> String {
        format!("moment-{:02}.wav", index + 1)
    }
}

/// The checkpoint.
#[derive(Debug, Clone, Serialize)]
pub struct Model {
    /// Name in its metadata.
    pub name: String,
    /// `se_resnet`, `scnn` or `bilstm`.
    pub architecture: String,
    /// Layers, if the architecture has several depths.
    pub depth: Option<u32>,
    /// Networks in the ensemble.
    pub members: usize,
    /// Whether each window is processed by one member, in turn.
    pub alternating: bool,
    /// Trained values of all members.
    pub parameters: usize,
    /// The largest first.
    pub horizons: Vec<ModelHorizon>,
    /// The horizon of curves, songs and stress tests.
    pub horizon_frames: u32,
    /// Look-ahead of the same.
    pub lookahead_s: f64,
}

/// A horizon of the checkpoint.
#[derive(Debug, Clone, Serialize)]
pub struct ModelHorizon {
    /// Distance of the predicted frame from the window's last frame, in frames.
    pub frames: u32,
    /// Its look-ahead.
    pub lookahead_s: f64,
    /// Its thresholds.
    pub operating_point: OperatingPoint,
}

/// Constants of the measurement.
#[derive(Debug, Clone, Serialize)]
pub struct Method {
    /// Time from one decision to the next.
    pub hop_s: f64,
    /// Length of the centred median.
    pub median_s: f64,
    /// Largest distance between a detected and a labelled change that match.
    pub match_tolerance_s: f64,
    /// Width of the collar on either side of a labelled change.
    pub collar_s: f64,
    /// Largest distance of the onsets, or offsets, of two sound events that match.
    pub event_tolerance_s: f64,
    /// The same for offsets, as a share of the labelled event's length, if that is more.
    pub offset_tolerance_share: f64,
    /// Length of a segment of the segment-based figures.
    pub segment_s: f64,
    /// Labelled voices with a shorter pause between them are one phrase.
    pub phrase_pause_s: f64,
    /// Draws of the bootstrap.
    pub bootstrap_draws: usize,
}

/// Size and labels of a corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CorpusAbout {
    /// Name in the report.
    pub name: String,
    /// Number of tracks.
    pub tracks: usize,
    /// Total duration.
    pub minutes: f64,
    /// Share of the frames that have a label.
    pub labelled_share: f64,
    /// Share of these labels that is voice.
    pub voice_share: f64,
}

impl Model {
    /// The description of a checkpoint; `horizon` is that of curves, songs and stress tests.
    pub fn new(metadata: &Metadata, parameters: usize, horizon: &Horizon) -> Self {
        let horizons = metadata.horizons_frames.iter();
        Self {
            name: metadata.name.clone(),
            architecture: metadata.architecture.clone(),
            depth: metadata.depth,
            members: metadata.members,
            alternating: metadata.alternating,
            parameters,
            horizons: horizons
                .zip(&metadata.operating_points)
                .map(|(&frames, &operating_point)| ModelHorizon {
                    frames,
                    lookahead_s: lookahead_s(frames),
                    operating_point,
                })
                .collect(),
            horizon_frames: horizon.frames,
            lookahead_s: lookahead_s(horizon.frames),
        }
    }
}

impl Method {
    /// The constants of this version.
    pub fn current(collar_s: f64) -> Self {
        Self {
            hop_s: WINDOW_HOP_S,
            median_s: MEDIAN_WINDOWS as f64 * WINDOW_HOP_S,
            match_tolerance_s: MATCH_TOLERANCE_S,
            collar_s,
            event_tolerance_s: EVENT_TOLERANCE_S,
            offset_tolerance_share: OFFSET_TOLERANCE_SHARE,
            segment_s: SEGMENT_S,
            phrase_pause_s: PHRASE_PAUSE_S,
            bootstrap_draws: BOOTSTRAP_DRAWS,
        }
    }
}

/// Writes `report.json`, `report.md` with its plots as SVG files, `report.html` with the plots inside, and the sound of
/// the worst moments as `moment-NN.wav`.
///
/// # Errors
///
/// What the system reports.
pub fn write(report: &Report, illustrations: &Illustrations, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(report)?;
    atomic_file::write(&folder.join("report.json"), json + "\n")?;
    for (index, clip) in illustrations.clips.iter().enumerate() {
        atomic_file::write(&folder.join(Report::clip_name(index)), &clip.wav)?;
    }
    let tables = tables::all(report);
    let plots = plots::all(report, &illustrations.pictures);
    for plot in &plots {
        let path = folder.join(format!("{}.svg", plot.name));
        atomic_file::write(&path, plot.svg.alone())?;
    }
    let moments = moments::rows(report, &illustrations.clips);
    let markdown = markdown::page(report, &moments, &tables, &plots);
    atomic_file::write(&folder.join("report.md"), markdown)?;
    let html = html::page(report, &moments, &tables, &plots);
    atomic_file::write(&folder.join("report.html"), html)
}
