//! A measurement as a whole: what `vocald evaluate` prints, and its report in three forms. All of
//! them are made from [`Report`], which is the JSON.
//!
//! Times are in seconds unless their name says otherwise. A figure that could not be measured, as
//! the recall on music without a voice, is null. The shape changes only with `v`; docs/report.md
//! describes it.

use std::io;
use std::path::Path;

use super::{html, markdown, plots, tables};

use serde::Serialize;

use crate::decision::Horizon;
use crate::decision::OperatingPoint;
use crate::evaluation::curves::Curves;
use crate::evaluation::events::MATCH_TOLERANCE_S;
use crate::evaluation::figures::{BOOTSTRAP_DRAWS, Figures, MEDIAN_WINDOWS, WINDOW_HOP_S};
use crate::evaluation::songs::{Shown, Song};
use crate::evaluation::stress::Stress;
use crate::frontend::window::lookahead_s;
use crate::model::Metadata;
use crate::reporting::mel_picture::MelPicture;

/// The shape of the JSON.
pub const REPORT_VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub v: u32,
    /// Of this program.
    pub version: &'static str,
    pub model: Model,
    /// The experiment or folder, and the split of an experiment.
    pub data: String,
    pub split: Option<String>,
    /// The other detector's name, where there is one.
    pub against: Option<String>,
    pub method: Method,
    pub corpora: Vec<CorpusAbout>,
    /// A row a corpus, detector, horizon and smoothing.
    pub figures: Vec<Figures>,
    /// A row a corpus and detector with probabilities, at the model's chosen horizon.
    pub curves: Vec<Curves>,
    /// A row a track, at the model's chosen horizon.
    pub songs: Vec<Song>,
    /// The best, the median and the worst track of each corpus.
    pub shown: Vec<Shown>,
    pub stress: Option<Stress>,
}

/// The checkpoint.
#[derive(Debug, Clone, Serialize)]
pub struct Model {
    pub name: String,
    pub architecture: String,
    /// Where the architecture has several.
    pub depth: Option<u32>,
    /// Networks that answer together.
    pub members: usize,
    /// Whether a window is for one of them alone.
    pub alternating: bool,
    pub parameters: usize,
    pub horizons: Vec<ModelHorizon>,
    /// The horizon of curves, songs and stress tests.
    pub horizon_frames: u32,
    pub lookahead_s: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct ModelHorizon {
    pub frames: u32,
    pub lookahead_s: f64,
    pub operating_point: OperatingPoint,
}

/// The numbers that the measures are defined with.
#[derive(Debug, Clone, Serialize)]
pub struct Method {
    /// Between decisions.
    pub hop_s: f64,
    /// What the centred median spans.
    pub median_s: f64,
    /// How far a detected change may be from the labelled one it belongs to.
    pub match_tolerance_s: f64,
    pub bootstrap_draws: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CorpusAbout {
    pub name: String,
    pub tracks: usize,
    pub minutes: f64,
    /// Share of the frames with a label.
    pub labelled_share: f64,
    /// Share of those with a voice.
    pub voice_share: f64,
}

impl Model {
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
    pub fn current() -> Self {
        Self {
            hop_s: WINDOW_HOP_S,
            median_s: MEDIAN_WINDOWS as f64 * WINDOW_HOP_S,
            match_tolerance_s: MATCH_TOLERANCE_S,
            bootstrap_draws: BOOTSTRAP_DRAWS,
        }
    }
}

/// Writes `report.json`, `report.md` with its plots as SVG beside it, and `report.html`, which
/// holds everything itself. `pictures`: the log-mel picture of each of the shown tracks.
pub fn write(report: &Report, pictures: &[MelPicture], folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(report)?;
    std::fs::write(folder.join("report.json"), json + "\n")?;
    let tables = tables::all(report);
    let plots = plots::all(report, pictures);
    for plot in &plots {
        std::fs::write(folder.join(format!("{}.svg", plot.name)), plot.svg.alone())?;
    }
    std::fs::write(
        folder.join("report.md"),
        markdown::page(report, &tables, &plots),
    )?;
    std::fs::write(
        folder.join("report.html"),
        html::page(report, &tables, &plots),
    )
}
