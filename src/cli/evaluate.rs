//! `vocald evaluate`: measures a checkpoint on one split of an experiment's corpora.

use std::path::PathBuf;

use anyhow::{anyhow, bail};

use super::print::print;
use super::train::{load, open_features};
use crate::frontend::window::lookahead_s;
use crate::inference::DeviceChoice;
use crate::inference::engine::built_in;
use crate::model::Checkpoint;
use crate::trainer::dataset::Split;
use crate::trainer::evaluate::{Figures, Smoothing, figures};
use crate::trainer::experiment::Experiment;
use crate::trainer::validate::score;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment that names the corpora (see config/experiments)
    experiment: PathBuf,
    /// Folder that the experiment's corpora are found from
    #[arg(long, default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// Which part of the corpora
    #[arg(long, value_enum, default_value = "test")]
    split: SplitName,
    /// The checkpoint [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Folder for computed features [default: ~/.cache/vocald/features]
    #[arg(long, value_name = "DIR")]
    features: Option<PathBuf>,
    /// auto, cpu or cuda:N
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SplitName {
    Train,
    Valid,
    Test,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let experiment = Experiment::read(&args.experiment)?;
    let device = args.device.resolve().map_err(|e| anyhow!(e))?;
    let checkpoint = match &args.model {
        Some(path) => Checkpoint::read(path)?,
        None => built_in()?,
    };
    let split = match args.split {
        SplitName::Train => Split::Train,
        SplitName::Valid => Split::Valid,
        SplitName::Test => Split::Test,
    };
    let corpora = load(
        &experiment,
        &args.data,
        split,
        &open_features(args.features)?,
    )?;
    if corpora.is_empty() {
        bail!(
            "no corpus of {} has a {} split",
            args.experiment.display(),
            split.name()
        );
    }
    let network = checkpoint.network(device);
    let metadata = &checkpoint.metadata;
    if !args.json {
        print(&format!(
            "{:<13} look-ahead  smoothing  windows  accuracy  by track [95 % interval]  \
             precision  recall  F1     FPR    AUROC  always  false s/h  onsets/min\n",
            "corpus"
        ))?;
    }
    for corpus in &corpora {
        let horizons = &metadata.horizons_frames;
        let tracks = score(
            &network,
            &checkpoint.normalisation,
            horizons,
            corpus,
            1,
            device,
        );
        for row in figures(&corpus.name, &tracks, horizons, &metadata.operating_points)? {
            print(&match args.json {
                true => serde_json::to_string(&row)? + "\n",
                false => table_row(&row),
            })?;
        }
    }
    Ok(())
}

fn table_row(row: &Figures) -> String {
    let smoothing = match row.smoothing {
        Smoothing::Raw => "raw",
        Smoothing::Median => "median",
        Smoothing::Causal => "causal",
    };
    let [mean, low, high] = row.track_accuracy;
    format!(
        "{:<13} {:8.2} s  {smoothing:<9} {:8}  {:8.3}  {mean:.3} [{low:.3}, {high:.3}]      \
         {:9.3}  {:6.3}  {:5.3}  {:5.3}  {:5.3}  {:6.3}  {:9.1}  {:10.2}\n",
        row.corpus,
        lookahead_s(row.horizon_frames),
        row.windows,
        row.accuracy,
        row.precision,
        row.recall,
        row.f1,
        row.false_positive_rate,
        row.auroc,
        row.always_voice_accuracy,
        row.false_voice_s_per_hour,
        row.onsets_per_minute,
    )
}
