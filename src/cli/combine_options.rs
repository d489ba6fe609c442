//! Options and last steps of the commands that make one checkpoint of several.

use std::path::PathBuf;

use anyhow::{anyhow, bail};

use crate::cli::corpus_options::CorpusOptions;
use crate::cli::stdout::print_figures;
use crate::corpora::Split;
use crate::model::Checkpoint;
use crate::training::combine;
use crate::training::experiment::Experiment;
use crate::training::export::finish;

#[derive(Debug, clap::Args)]
pub struct CombineOptions {
    /// Experiment (a file or a built-in name) that gives the name, the licence and the validation tracks on
    /// which the thresholds are chosen
    experiment: PathBuf,
    /// Checkpoints; their horizons are changed to the experiment's. A checkpoint named twice counts twice
    #[arg(required = true, value_name = "CHECKPOINT")]
    checkpoints: Vec<PathBuf>,
    /// Checkpoint to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Store convolutions and dense layers in 16 bits, which halves the file; thresholds are chosen for the
    /// rounded weights
    #[arg(long)]
    half: bool,
    #[command(flatten)]
    corpora: CorpusOptions,
}

impl CombineOptions {
    /// Combines the checkpoints by `combine`, chooses thresholds, writes the result and prints its figures.
    pub fn run<E: std::fmt::Display>(
        &self,
        combine: impl FnOnce(Vec<Checkpoint>) -> Result<Checkpoint, E>,
        alternating: bool,
    ) -> anyhow::Result<()> {
        let experiment = Experiment::read(&self.experiment)?;
        let device = self.corpora.device()?;
        let paths = self.checkpoints.iter();
        let checkpoints: Result<_, _> = paths.map(|p| combine::read(p, &experiment)).collect();
        let mut combined = combine(checkpoints?).map_err(|e| anyhow!("{e}"))?;
        combine::adopt(&mut combined, &experiment, alternating)?;
        if self.half {
            combined.round_to_half();
        }
        let cache = self.corpora.cache(combined.architecture.features())?;
        let valid = self.corpora.read(&experiment, Split::Valid, &cache)?;
        if valid.is_empty() {
            bail!("no corpus of the experiment has tracks for validation");
        }
        let metadata = finish(
            combined,
            &valid,
            experiment.operating_point,
            device,
            &self.out,
        )
        .map_err(|e| anyhow!(e))?;
        print_figures(&self.out, &metadata)
    }
}
