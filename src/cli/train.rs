//! `vocald train`: a checkpoint from an experiment file and labelled recordings.

pub mod terminal;

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};

use crate::cli::Usage;
use crate::cli::corpus_options::CorpusOptions;
use crate::cli::interrupt::stop_flag;
use crate::cli::progress::Reading;
use crate::cli::stdout::print_figures;
use crate::inference::cores;
use crate::model::{Checkpoint, Family, SE_RESNET};
use crate::training::TrainContext;
use crate::training::experiment::Experiment;
use crate::training::fit;
use crate::training::run::{TrainingData, checkpoint_path, starting_checkpoint, train};
use terminal::Terminal;

pub const INTERRUPTED: &str =
    "interrupted; run the same command again to resume after the last completed epoch";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Experiment: a file with corpora, network and settings (see config/experiments), or a recipe of the
    /// paper by name: paper-mir1k, paper-jamendo, paper-rwc, paper-jrm
    experiment: PathBuf,
    /// Folder of the training's state, log and best checkpoint; an interrupted training resumes from it
    /// [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Checkpoint to write [default: RUN/NAME.safetensors]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Initial weights, from a checkpoint [default: random]
    #[arg(long, value_name = "FILE", help_heading = "Training")]
    start_from: Option<PathBuf>,
    /// Checkpoint to distil from: its outputs are a target beside the labels, weighted by the experiment's
    /// training.teacher_share
    #[arg(long, value_name = "FILE", help_heading = "Training")]
    teacher: Option<PathBuf>,
    /// Network: se_resnet, scnn or bilstm; its name is appended to the experiment's [default: from the
    /// experiment]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    architecture: Option<String>,
    /// Depth of se_resnet in layers; its number is appended to the experiment's name [default: from the
    /// experiment]
    #[arg(long, value_name = "LAYERS", help_heading = "Training")]
    depth: Option<u32>,
    /// Seed of the random numbers [default: from the experiment]
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<u64>,
    /// CPU threads of a training step [default: all cores]
    #[arg(long, value_name = "N", help_heading = "Training")]
    threads: Option<usize>,
    /// Threads that draw windows [default: 1, or for a GPU all cores but one]
    #[arg(long, value_name = "N", help_heading = "Training")]
    loader_threads: Option<usize>,
    #[command(flatten)]
    corpora: CorpusOptions,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let mut experiment = Experiment::read(&args.experiment)?;
    if args.architecture.is_some() || args.depth.is_some() {
        let name = args.architecture.as_deref().unwrap_or(SE_RESNET);
        let family = Family::named(name, args.depth)
            .map_err(|wrong| Usage(format!("--architecture and --depth name {wrong}")))?;
        experiment = experiment.with_family(family)?;
    }
    if let Some(seed) = args.seed {
        experiment.training.seed = seed;
    }
    let device = args.corpora.device()?;
    set_threads(args.threads)?;
    let folder = args
        .run
        .unwrap_or_else(|| PathBuf::from("runs").join(&experiment.name));
    let architecture = experiment.architecture().map_err(|e| anyhow!(e))?;
    let cache = args.corpora.cache(architecture.features())?;
    let stop = stop_flag()?;
    // Checked before the recordings are read, which takes minutes the first time.
    let start = args.start_from.as_deref();
    let start = start.map(|path| starting_checkpoint(path, &experiment));
    let start = start.transpose()?;
    let teacher = args.teacher.as_deref().map(Checkpoint::read).transpose()?;
    let data = {
        let mut bar = Reading::new(2 * experiment.corpus.len());
        let mut progress = |split, corpus: &_| bar.next(split, corpus);
        TrainingData::read(&args.corpora.reader()?, &experiment, &cache, &mut progress)?
    };
    let out = args
        .out
        .unwrap_or_else(|| checkpoint_path(&experiment, &folder));
    let context = TrainContext {
        start_from: start.as_ref(),
        teacher: teacher.as_ref(),
        train: &data.train,
        valid: &data.valid,
        device,
        loader_threads: args
            .loader_threads
            .unwrap_or_else(|| fit::loader_threads(device)),
        folder: &folder,
        stop: &stop,
    };
    match train(&experiment, &context, &mut Terminal::new(&experiment), &out)? {
        None => bail!(INTERRUPTED),
        Some(metadata) => print_figures(&out, &metadata),
    }
}

/// Sets the CPU threads of a training step; all cores where none are given.
pub fn set_threads(threads: Option<usize>) -> anyhow::Result<()> {
    let threads = threads.unwrap_or_else(cores);
    tch::set_num_threads(i32::try_from(threads).context("--threads is too large")?);
    Ok(())
}
