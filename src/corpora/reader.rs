//! Corpora of an experiment, read from a data folder through a feature cache.

use std::path::PathBuf;

use crate::corpora::{Corpus, CorpusError, CorpusSettings, Coverage, FeatureCache, Split, load};
use crate::frontend::{Features, HOP_SAMPLES, SAMPLE_RATE_HZ};

const FRAMES_PER_SECOND: f64 = SAMPLE_RATE_HZ as f64 / HOP_SAMPLES as f64;

/// Where corpora are, and where their computed features are kept.
#[derive(Debug, Clone)]
pub struct CorpusReader {
    /// The folder that relative corpus roots start from.
    pub data: PathBuf,
    /// The folder of the feature cache.
    pub features: PathBuf,
}

/// Corpora that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder of the feature cache cannot be made.
    #[error("cannot make the folder {}: {reason}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// Everything that is wrong with the corpora.
    #[error("{}", lines(.0))]
    Corpora(Vec<CorpusError>),
}

impl CorpusReader {
    /// The feature cache for networks with `features` as their input.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn cache(&self, features: Features) -> Result<FeatureCache, ReadError> {
        let cache = FeatureCache::open(self.features.clone()).map_err(|e| ReadError::Cache {
            path: self.features.clone(),
            reason: e,
        })?;
        Ok(cache.giving(features))
    }

    /// One split of every corpus that has tracks in it. `progress` is called before each corpus.
    ///
    /// # Errors
    /// All corpora that cannot be read, together.
    pub fn read(
        &self,
        corpora: &[CorpusSettings],
        split: Split,
        cache: &FeatureCache,
        progress: &mut dyn FnMut(&CorpusSettings),
    ) -> Result<Vec<Corpus>, ReadError> {
        self.read_with(corpora, split, progress, |settings| {
            load::load(settings, &self.data, split, cache)
        })
    }

    /// [`Self::read`] with a coverage that depends neither on the settings nor on the split.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_covered(
        &self,
        corpora: &[CorpusSettings],
        split: Split,
        cache: &FeatureCache,
        coverage: Coverage,
        progress: &mut dyn FnMut(&CorpusSettings),
    ) -> Result<Vec<Corpus>, ReadError> {
        self.read_with(corpora, split, progress, |settings| {
            load::load_covered(settings, &self.data, split, cache, coverage)
        })
    }

    fn read_with(
        &self,
        corpora: &[CorpusSettings],
        split: Split,
        progress: &mut dyn FnMut(&CorpusSettings),
        load: impl Fn(&CorpusSettings) -> Result<Corpus, CorpusError>,
    ) -> Result<Vec<Corpus>, ReadError> {
        let mut read = Vec::new();
        let mut errors = Vec::new();
        for settings in corpora {
            progress(settings);
            match load(settings) {
                Ok(corpus) if corpus.tracks.is_empty() => {}
                Ok(corpus) => read.push(corpus),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(ReadError::Corpora(errors));
        }
        for corpus in &read {
            log(corpus, split);
        }
        Ok(read)
    }
}

fn log(corpus: &Corpus, split: Split) {
    let frames: usize = corpus.tracks.iter().map(|t| t.frames()).sum();
    let labels = corpus.tracks.iter().flat_map(|t| &t.voice);
    let voiced = labels.filter(|v| **v == Some(true)).count();
    tracing::info!(
        "{} {}: {} tracks, {:.1} minutes, {:.1} % voice",
        split.name(),
        corpus.name,
        corpus.tracks.len(),
        frames as f64 / FRAMES_PER_SECOND / 60.0,
        voiced as f64 / frames as f64 * 100.0
    );
}

/// Numbers corpora of the same name, so that each name refers to one of them: `stems 1`, `stems 2`.
#[must_use]
pub fn with_distinct_names(mut corpora: Vec<Corpus>) -> Vec<Corpus> {
    let names: Vec<String> = corpora.iter().map(|c| c.name.clone()).collect();
    for (index, corpus) in corpora.iter_mut().enumerate() {
        let same = |n: &&String| **n == names[index];
        if names.iter().filter(same).count() > 1 {
            let number = names[..=index].iter().filter(same).count();
            corpus.name = format!("{} {number}", names[index]);
        }
    }
    corpora
}

fn lines(errors: &[CorpusError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
