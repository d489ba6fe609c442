//! `vocald average`: several trainings as one checkpoint, by their weights or by their answers.

use std::path::PathBuf;

use anyhow::{anyhow, bail};

use crate::cli::corpora_options::Sources;
use crate::cli::train::measured;
use crate::corpora::Split;
use crate::model::Checkpoint;
use crate::training::ensemble::ensemble;
use crate::training::experiment::Experiment;
use crate::training::export::finish;
use crate::training::weight_average::average;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment whose validation the operating points are chosen on; it also names the
    /// checkpoint and its licence
    experiment: PathBuf,
    /// Checkpoints of trainings that went out from the same weights, and these; with --answers any of one
    /// architecture. Those of other horizons are brought to the experiment's. One that is named twice counts
    /// twice
    #[arg(required = true)]
    checkpoints: Vec<PathBuf>,
    /// Average what the networks answer and not their weights: the checkpoint asks all of them, which takes
    /// as many times the work
    #[arg(long)]
    answers: bool,
    /// With --answers: ask one of them at each window, in turn, which takes the work of one
    #[arg(long, requires = "answers")]
    alternating: bool,
    /// Keep convolutions and dense layers in 16 bits: half the file. Thresholds are chosen with them
    #[arg(long)]
    half: bool,
    /// Where the averaged checkpoint goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    sources: Sources,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let experiment = Experiment::read(&args.experiment)?;
    let device = args.sources.device()?;
    let read = |path: &PathBuf| {
        Checkpoint::read(path)?
            .with_horizons(&experiment.horizons_frames)
            .map_err(|e| anyhow!("{} cannot be averaged: {e}", path.display()))
    };
    let checkpoints: anyhow::Result<_> = args.checkpoints.iter().map(read).collect();
    let mut mean = match args.answers {
        true => ensemble(checkpoints?)?,
        false => average(checkpoints?)?,
    };
    mean.metadata.name.clone_from(&experiment.name);
    mean.metadata.license.clone_from(&experiment.license);
    mean.metadata.figures.clear();
    mean.metadata.default_horizon_frames = experiment.default_horizon_frames();
    mean.metadata.overlap_averaging = experiment.overlap_averaging;
    mean.metadata.alternating = args.alternating;
    if let Err(fault) = mean.metadata.validate() {
        bail!("what these checkpoints make together {fault}");
    }
    if args.half {
        mean.round_to_half();
    }
    let cache = args.sources.cache(mean.architecture.features())?;
    let valid = args.sources.load(&experiment, Split::Valid, &cache)?;
    if valid.is_empty() {
        bail!("no corpus of the experiment has tracks for validation");
    }
    let metadata = finish(mean, &valid, experiment.operating_point, device, &args.out)
        .map_err(|e| anyhow!(e))?;
    measured(&args.out, &metadata)
}
