//! `vocald average`: several trainings of one network as one checkpoint.

use std::path::PathBuf;

use anyhow::{anyhow, bail};

use super::train::{load, measured, open_features};
use crate::inference::DeviceChoice;
use crate::model::Checkpoint;
use crate::trainer::average::average;
use crate::trainer::dataset::Split;
use crate::trainer::experiment::Experiment;
use crate::trainer::finish::finish;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment whose validation the operating points are chosen on; it also names the
    /// checkpoint and its licence
    experiment: PathBuf,
    /// Checkpoints of trainings that went out from the same weights
    #[arg(required = true)]
    checkpoints: Vec<PathBuf>,
    /// Where the averaged checkpoint goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Folder that the experiment's corpora are found from
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// Folder for computed features [default: ~/.cache/vocald/features]
    #[arg(long, value_name = "DIR")]
    features: Option<PathBuf>,
    /// auto, cpu or cuda:N
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let experiment = Experiment::read(&args.experiment)?;
    let device = args.device.resolve().map_err(|e| anyhow!(e))?;
    let read = args.checkpoints.iter().map(|path| Checkpoint::read(path));
    let mut mean = average(read.collect::<Result<_, _>>()?).map_err(|e| anyhow!(e))?;
    mean.metadata.name.clone_from(&experiment.name);
    mean.metadata.license.clone_from(&experiment.license);
    mean.metadata.figures.clear();
    let cache = open_features(args.features, mean.architecture.features())?;
    let valid = load(&experiment, &args.data, Split::Valid, &cache)?;
    if valid.is_empty() {
        bail!("no corpus of the experiment has tracks for validation");
    }
    let metadata = finish(mean, &valid, experiment.operating_point, device, &args.out)
        .map_err(|e| anyhow!(e))?;
    measured(&args.out, &metadata)
}
