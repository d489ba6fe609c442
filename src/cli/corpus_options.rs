//! Where corpora are read from, and what computes on them: the same options for every command that trains or
//! measures.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tch::Device;

use crate::corpora::feature_cache::FeatureCache;
use crate::corpora::{Corpus, Split, load};
use crate::frontend::Features;
use crate::inference::ComputeDevice;
use crate::training::experiment::Experiment;

#[derive(Debug, Clone, clap::Args)]
pub struct Sources {
    /// Folder that corpora are found from, each in the layout its owners publish
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// Folder for computed features [default: ~/.cache/vocald/features]
    #[arg(long, value_name = "DIR")]
    features: Option<PathBuf>,
    /// auto, cpu or cuda:N
    #[arg(long, default_value = "auto")]
    pub device: ComputeDevice,
}

impl Sources {
    pub fn device(&self) -> anyhow::Result<Device> {
        self.device.resolve().map_err(|e| anyhow!(e))
    }

    /// The features of earlier runs, and what networks that look at `features` need of others.
    pub fn cache(&self, features: Features) -> anyhow::Result<FeatureCache> {
        let folder = match (&self.features, std::env::home_dir()) {
            (Some(folder), _) => folder.clone(),
            (None, Some(home)) => home.join(".cache/vocald/features"),
            (None, None) => bail!("there is no home folder to keep features in; give --features"),
        };
        let shown = folder.display().to_string();
        let cache = FeatureCache::open(folder)
            .with_context(|| format!("cannot make the folder {shown}"))?;
        Ok(cache.giving(features))
    }

    /// One split of every corpus of an experiment that has tracks in it.
    pub fn load(
        &self,
        experiment: &Experiment,
        split: Split,
        cache: &FeatureCache,
    ) -> anyhow::Result<Vec<Corpus>> {
        let bar = ProgressBar::new(experiment.corpus.len() as u64);
        let bar = match ProgressStyle::with_template("reading {msg} {bar:30} {pos}/{len}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        let mut corpora = Vec::new();
        let mut faults = Vec::new();
        for settings in &experiment.corpus {
            bar.set_message(format!("{} of {}", split.name(), settings.root.display()));
            match load::load(settings, &self.data, split, cache) {
                Ok(corpus) if corpus.tracks.is_empty() => {}
                Ok(corpus) => corpora.push(corpus),
                Err(fault) => faults.push(fault.to_string()),
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        if !faults.is_empty() {
            bail!("{}", faults.join("\n"));
        }
        for corpus in &corpora {
            let minutes =
                corpus.tracks.iter().map(|t| t.frames()).sum::<usize>() as f64 / 70.0 / 60.0;
            let voiced: usize = corpus
                .tracks
                .iter()
                .map(|t| t.voice.iter().filter(|v| **v == Some(true)).count())
                .sum();
            let share = voiced as f64 / (minutes * 60.0 * 70.0) * 100.0;
            let (name, tracks) = (&corpus.name, corpus.tracks.len());
            tracing::info!(
                "{} {name}: {tracks} tracks, {minutes:.1} minutes, {share:.1} % voice",
                split.name()
            );
        }
        Ok(corpora)
    }
}
