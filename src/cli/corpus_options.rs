//! Options of all commands that train or measure: where corpora are, and the device.

use std::path::PathBuf;

use anyhow::anyhow;
use tch::Device;

use crate::cache_dir::cache_dir;
use crate::cli::Usage;
use crate::cli::progress::Reading;
use crate::corpora::{Corpus, CorpusReader, FeatureCache, Split};
use crate::frontend::Features;
use crate::inference::ComputeDevice;
use crate::training::experiment::Experiment;

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Data and device")]
pub struct CorpusOptions {
    /// Folder of the corpora, each in the layout its owners publish
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// Folder that keeps computed features [default: $XDG_CACHE_HOME/vocald/features or
    /// ~/.cache/vocald/features]
    #[arg(long, value_name = "DIR")]
    features: Option<PathBuf>,
    /// Device of the network: auto (CUDA if available), cpu or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: ComputeDevice,
}

impl CorpusOptions {
    pub fn device(&self) -> anyhow::Result<Device> {
        self.device.resolve().map_err(|e| anyhow!(e))
    }

    pub fn reader(&self) -> anyhow::Result<CorpusReader> {
        Ok(CorpusReader {
            data: self.data.clone(),
            features: cache_folder(self.features.clone(), "features", "--features")?,
        })
    }

    /// The feature cache for networks with `features` as their input.
    pub fn cache(&self, features: Features) -> anyhow::Result<FeatureCache> {
        Ok(self.reader()?.cache(features)?)
    }

    /// One split of every corpus of an experiment that has tracks in it.
    pub fn read(
        &self,
        experiment: &Experiment,
        split: Split,
        cache: &FeatureCache,
    ) -> anyhow::Result<Vec<Corpus>> {
        let mut bar = Reading::new(experiment.corpus.len());
        let mut progress = |corpus: &_| bar.next(split, corpus);
        let reader = self.reader()?;
        Ok(reader.read(&experiment.corpus, split, cache, &mut progress)?)
    }
}

/// The folder of an option, or one of this name in the program's cache folder.
pub fn cache_folder(given: Option<PathBuf>, name: &str, option: &str) -> anyhow::Result<PathBuf> {
    let folder = given.or_else(|| Some(cache_dir()?.join(name)));
    Ok(
        folder
            .ok_or_else(|| Usage(format!("there is no home folder for {name}; give {option}")))?,
    )
}
