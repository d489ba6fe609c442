//! A checkpoint measured on corpora, as a [`Report`].

use std::num::NonZeroUsize;

use tch::Device;

use crate::corpora::{Corpus, Track};
use crate::decision::{Horizon, PointError};
use crate::evaluation::comparison::comparison;
use crate::evaluation::curves::curves;
use crate::evaluation::figures::{Measured, figures, reference_figures, reference_scores};
use crate::evaluation::moments;
use crate::evaluation::reference_system::ReferenceSystem;
use crate::evaluation::scorer::{ScoredTrack, TrackScorer, pooled};
use crate::evaluation::songs::{ranked, shown, songs};
use crate::evaluation::speech_figures::speech_figures;
use crate::evaluation::stress;
use crate::evaluation::stress::Folders;
use crate::frontend::{HOP_SAMPLES, SAMPLE_RATE_HZ};
use crate::inference::{ComputePrecision, NotFinite, PrecisionError};
use crate::model::Checkpoint;
use crate::reporting::MelPicture;
use crate::reporting::clip::Clip;
use crate::reporting::report::{CorpusAbout, Illustrations, Method, Model, REPORT_VERSION, Report};

/// What to measure, and on what.
pub struct Evaluation<'a> {
    /// Precision of the network's weights.
    pub precision: ComputePrecision,
    /// Of every so many windows the first is scored; the others' frames are filled.
    pub every: NonZeroUsize,
    /// The checkpoint; its operating points are used as they are.
    pub checkpoint: &'a Checkpoint,
    /// The horizon of curves, songs and stress tests.
    pub horizon: &'a Horizon,
    /// Corpora with distinct names.
    pub corpora: &'a [Corpus],
    /// Labels of another system for the same tracks.
    pub reference: Option<&'a ReferenceSystem>,
    /// Width of the collar around labelled changes, in seconds.
    pub collar_s: f64,
    /// Runs the stress tests, with these folders of sound without singing.
    pub stress: Option<&'a Folders>,
}

/// Why nothing is measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// An operating point of the checkpoint is not valid.
    #[error(transparent)]
    Point(#[from] PointError),
    /// The network cannot be computed in the precision.
    #[error(transparent)]
    Precision(#[from] PrecisionError),
    /// The network has no prediction for a window of a track.
    #[error("{corpus}: {song}: {reason}")]
    NoPrediction {
        /// Name of the corpus.
        corpus: String,
        /// The song.
        song: String,
        /// Why.
        reason: NotFinite,
    },
}

/// What was measured.
pub struct Evaluated {
    /// The report, without `data` and `split`.
    pub report: Report,
    tracks: Vec<Vec<Measured>>,
}

impl Evaluation<'_> {
    /// Frames of all tracks that will be scored.
    #[must_use]
    pub fn frames(&self) -> usize {
        let tracks = self.corpora.iter().flat_map(|c| &c.tracks);
        let stressed = self
            .stress
            .map_or(0, |folders| stress::frames(self.corpora, folders));
        tracks.map(Track::frames).sum::<usize>() + stressed
    }

    /// Scores all tracks, `threads` at a time, and measures. `done` receives the frames of each scored track.
    ///
    /// # Errors
    /// Those of [`MeasureError`].
    pub fn run(
        &self,
        device: Device,
        threads: usize,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Evaluated, MeasureError> {
        let mut scorer =
            TrackScorer::with_precision(self.checkpoint, device, self.precision, threads)?
                .with_every(self.every);
        let score = |corpus: &Corpus| {
            let scored = scorer.score_corpus(corpus, done);
            let tracks = corpus.tracks.iter().zip(scored);
            tracks.map(|(t, scored)| Measured::new(t, scored)).collect()
        };
        let tracks: Vec<Vec<Measured>> = self.corpora.iter().map(score).collect();
        let stress = self
            .stress
            .map(|folders| stress::stress(&mut scorer, self.horizon, self.corpora, folders, done))
            .transpose()?;
        let parameters = self.checkpoint.architecture.parameters();
        let mut report = Report {
            v: REPORT_VERSION,
            version: crate::VERSION,
            model: Model::new(&self.checkpoint.metadata, parameters, self.horizon),
            data: String::new(),
            split: None,
            reference: self.reference.map(|r| r.name.clone()),
            method: Method::current(self.collar_s),
            corpora: self.corpora.iter().map(CorpusAbout::new).collect(),
            figures: Vec::new(),
            curves: Vec::new(),
            comparisons: Vec::new(),
            songs: Vec::new(),
            shown: Vec::new(),
            moments: Vec::new(),
            speech: Vec::new(),
            stress,
        };
        for (corpus, tracks) in self.corpora.iter().zip(&tracks) {
            if let Some(track) = tracks.iter().find(|track| !track.scored.is_finite()) {
                return Err(MeasureError::NoPrediction {
                    corpus: corpus.name.clone(),
                    song: track.song.clone(),
                    reason: match self.precision {
                        ComputePrecision::Float16 => NotFinite::Float16,
                        _ => NotFinite::Network,
                    },
                });
            }
            self.add(&mut report, &corpus.name, tracks)?;
        }
        report.moments = moments::worst(report.moments);
        Ok(Evaluated { report, tracks })
    }

    /// Adds a corpus to the report.
    fn add(
        &self,
        report: &mut Report,
        corpus: &str,
        tracks: &[Measured],
    ) -> Result<(), PointError> {
        let (metadata, horizon) = (&self.checkpoint.metadata, self.horizon);
        report.figures.extend(figures(
            corpus,
            &metadata.name,
            tracks,
            &metadata.horizons_frames,
            &metadata.operating_points,
            self.collar_s,
        )?);
        let scored = pooled(tracks.iter().map(|t| &t.scored), horizon.index);
        report.curves.push(curves(corpus, &metadata.name, &scored));
        if let Some(reference) = self.reference {
            let (h, frames) = (horizon.index, horizon.frames);
            let row = reference_figures(corpus, reference, tracks, h, frames, self.collar_s);
            report.figures.extend(row);
            let scores = reference_scores(reference, tracks, h, frames);
            let curves = scores.map(|scores| curves(corpus, &reference.name, &scores));
            report.curves.extend(curves);
            let comparison = comparison(corpus, tracks, horizon, reference, self.collar_s)?;
            report.comparisons.extend(comparison);
        }
        report
            .speech
            .extend(speech_figures(corpus, tracks, horizon)?);
        let songs = songs(corpus, tracks, horizon, self.reference, self.collar_s)?;
        for (rank, index) in ranked(&songs) {
            let track = shown(corpus, rank, &tracks[index], horizon, self.reference)?;
            report.shown.push(track);
        }
        report.songs.extend(songs);
        report
            .moments
            .extend(moments::wrong(corpus, tracks, horizon)?);
        Ok(())
    }
}

impl Evaluated {
    /// The scored tracks of the corpus at this place.
    pub fn scored(&self, corpus: usize) -> impl Iterator<Item = &ScoredTrack> {
        self.tracks[corpus].iter().map(|t| &t.scored)
    }

    /// Spectrograms of the report's shown tracks and the sound of its worst moments. `corpora` are those that were
    /// measured.
    ///
    /// # Errors
    /// A picture cannot be encoded.
    pub fn illustrations(&self, corpora: &[Corpus]) -> std::io::Result<Illustrations> {
        let tracks = |corpus: &str| {
            let corpus = corpora.iter().find(|c| c.name == corpus);
            corpus.map_or(&[][..], |corpus| &corpus.tracks)
        };
        let shown = self.report.shown.iter();
        let shown = shown.filter_map(|s| tracks(&s.corpus).iter().find(|t| t.name == s.name));
        let moments = self.report.moments.iter();
        Ok(Illustrations {
            pictures: shown.map(MelPicture::new).collect::<Result<_, _>>()?,
            clips: moments
                .filter_map(|m| Some(Clip::new(tracks(&m.corpus).get(m.track)?, m)))
                .collect(),
        })
    }
}

impl CorpusAbout {
    fn new(corpus: &Corpus) -> Self {
        let frames: usize = corpus.tracks.iter().map(Track::frames).sum();
        let labels = corpus.tracks.iter().flat_map(|t| &t.voice);
        let labels: Vec<bool> = labels.copied().flatten().collect();
        let voiced = labels.iter().filter(|voice| **voice).count();
        Self {
            name: corpus.name.clone(),
            tracks: corpus.tracks.len(),
            minutes: (frames * HOP_SAMPLES) as f64 / f64::from(SAMPLE_RATE_HZ) / 60.0,
            labelled_share: labels.len() as f64 / frames as f64,
            voice_share: voiced as f64 / labels.len() as f64,
        }
    }
}
