//! `vocald train`: a checkpoint from labelled recordings, by an experiment file or a folder's own.

mod folder;
pub mod terminal;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use crate::cli::Usage;
use crate::cli::corpus_options::CorpusOptions;
use crate::cli::counts;
use crate::cli::interrupt::stop_flag;
use crate::cli::label_options::LabelOptions;
use crate::cli::progress::Reading;
use crate::cli::stdout::print_figures;
use crate::inference::cores;
use crate::inference::engine::named;
use crate::model::{Family, SE_RESNET};
use crate::model_shelf::ModelFile;
use crate::training::TrainContext;
use crate::training::experiment::Experiment;
use crate::training::fit;
use crate::training::run::{TrainingData, checkpoint_path, starting_checkpoint, train};
use folder::Folder;
use terminal::Terminal;

pub const INTERRUPTED: &str =
    "interrupted; run the same command again to resume after the last completed epoch";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folder of songs with labels beside each, NAME.lab, NAME.txt (Audacity), NAME.csv and others, or of stems;
    /// or an experiment: a file with corpora, network and settings (see config/experiments), or a recipe of the paper
    /// by name: paper-mir1k, paper-jamendo, paper-rwc, paper-jrm
    #[arg(value_name = "FOLDER|EXPERIMENT")]
    data_set: PathBuf,
    /// Folder of the training's state, log and best checkpoint; an interrupted training resumes from it
    /// [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Checkpoint to write [default: RUN/NAME.safetensors]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Initial weights, from a checkpoint of one network [default: random]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Training")]
    start_from: Option<ModelFile>,
    /// Checkpoint to distil from: its outputs are a target beside the labels, weighted by the experiment's
    /// training.teacher_share
    #[arg(long, value_name = "NAME|FILE", help_heading = "Training")]
    teacher: Option<ModelFile>,
    /// Network: se_resnet, scnn or bilstm; its name is appended to the experiment's [default: from the
    /// experiment; for a folder se_resnet]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    architecture: Option<String>,
    /// Depth of se_resnet in layers; its number is appended to the experiment's name [default: from the
    /// experiment; for a folder 14]
    #[arg(long, value_name = "LAYERS", help_heading = "Training")]
    depth: Option<u32>,
    /// Seed of the random numbers [default: from the experiment]
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<u64>,
    /// Most epochs; a training that has had fewer goes on [default: from the experiment]
    #[arg(long, value_name = "N", value_parser = counts::at_least_one, help_heading = "Training")]
    max_epochs: Option<usize>,
    /// CPU threads of a training step [default: all cores]
    #[arg(long, value_name = "N", value_parser = counts::threads::<usize>, help_heading = "Training")]
    threads: Option<usize>,
    /// Threads that draw windows [default: 1, or for a GPU all cores but one]
    #[arg(long, value_name = "N", value_parser = counts::threads::<usize>, help_heading = "Training")]
    loader_threads: Option<usize>,
    #[command(flatten)]
    labels: LabelOptions,
    #[command(flatten)]
    corpora: CorpusOptions,
}

const EXAMPLES: &str = "\
For a folder, an experiment with defaults and a split is written to RUN/experiment.toml; edit it and run the same
command to train by it.

Examples:
  vocald train songs/                          your songs with labels beside them
  vocald train songs/ --start-from live-14     begin with a shipped network: for few songs
  vocald train paper-mir1k --data DIR          the paper's recipe on MIR-1K";

pub fn run(args: Args) -> anyhow::Result<()> {
    let family = args.family()?;
    let start = args.start_from.as_ref();
    let start = start.map(|file| named(Some(file))).transpose()?;
    let teacher = args.teacher.as_ref();
    let teacher = teacher.map(|file| named(Some(file))).transpose()?;
    let device = args.corpora.device()?;
    set_threads(args.threads)?;
    let new = match args.data_set.is_dir() {
        true => Folder::find(&args, family, start.as_ref())?,
        false => Folder::Described,
    };
    let mut experiment = match &new {
        Folder::New(new) => new.settings.experiment(&[])?,
        Folder::Known(file) => Experiment::read(file)?,
        Folder::Described => args.experiment(family)?,
    };
    args.adjust(&mut experiment);
    let folder = args.folder(&experiment.name);
    let architecture = experiment.architecture().map_err(|e| anyhow!(e))?;
    let cache = args.corpora.cache(architecture.features())?;
    let stop = stop_flag()?;
    // Checked before the recordings are read, which takes minutes the first time.
    let start = start.map(|start| starting_checkpoint(start, &experiment));
    let start = start.transpose()?;
    let data = {
        let mut bar = Reading::new(2 * experiment.corpus.len());
        let mut progress = |split, corpus: &_| bar.next(split, corpus);
        TrainingData::read(&args.corpora.reader()?, &experiment, &cache, &mut progress)?
    };
    if let Folder::New(new) = &new {
        data.check_labels()?;
        new.write(&folder, &data)?;
        experiment = new.settings.experiment(&data.train)?;
        args.adjust(&mut experiment);
    }
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| checkpoint_path(&experiment, &folder));
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
        Some(metadata) => print_figures(&out, &metadata)?,
    }
    new.print_next_steps(&folder, &experiment, &out);
    Ok(())
}

impl Args {
    /// The network of the options, if there are any.
    fn family(&self) -> anyhow::Result<Option<Family>> {
        if self.architecture.is_none() && self.depth.is_none() {
            return Ok(None);
        }
        let name = self.architecture.as_deref().unwrap_or(SE_RESNET);
        let family = Family::named(name, self.depth)
            .map_err(|wrong| Usage(format!("--architecture and --depth name {wrong}")))?;
        Ok(Some(family))
    }

    /// The experiment that the arguments name.
    fn experiment(&self, family: Option<Family>) -> anyhow::Result<Experiment> {
        let experiment = Experiment::read(&self.data_set)?;
        self.labels.refuse_for_experiment()?;
        Ok(match family {
            Some(family) => experiment.with_family(family)?,
            None => experiment,
        })
    }

    /// Changes the settings that have options.
    fn adjust(&self, experiment: &mut Experiment) {
        let training = &mut experiment.training;
        training.seed = self.seed.unwrap_or(training.seed);
        training.max_epochs = self.max_epochs.unwrap_or(training.max_epochs);
    }

    /// The folder of the training.
    fn folder(&self, name: &str) -> PathBuf {
        let run = self.run.clone();
        run.unwrap_or_else(|| Path::new("runs").join(name))
    }
}

/// Sets the CPU threads of a training step; all cores where none are given.
pub fn set_threads(threads: Option<usize>) -> anyhow::Result<()> {
    let threads = threads.unwrap_or_else(cores);
    tch::set_num_threads(i32::try_from(threads).context("--threads is too large")?);
    Ok(())
}
