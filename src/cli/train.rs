//! `vocald train`: makes a checkpoint out of an experiment file and labelled sound.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Usage;
use crate::cli::corpora_options::Sources;
use crate::cli::interrupt::stop_flag;
use crate::cli::stdout::print;
use crate::corpora::feature_cache::FeatureCache;
use crate::corpora::{Corpus, Split};
use crate::inference::cores;
use crate::model::SE_RESNET;
use crate::model::{Checkpoint, Family, Metadata};
use crate::training::TrainContext;
use crate::training::allocator;
use crate::training::experiment::Experiment;
use crate::training::export;
use crate::training::fit;
use crate::training::fit::{EpochReport, Observer, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiment: corpora, network and settings, a file (see config/experiments); or the paper's
    /// recipe by name: paper-mir1k, paper-jamendo, paper-rwc, paper-jrm
    experiment: PathBuf,
    #[command(flatten)]
    sources: Sources,
    /// Folder for the training's state, log and best checkpoint; a training that was
    /// interrupted goes on from it [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Begin with the weights of this checkpoint instead of random ones
    #[arg(long, value_name = "FILE")]
    start_from: Option<PathBuf>,
    /// Learn from this checkpoint's answers beside the labels, a committee for instance, by the experiment's
    /// training.teacher_share
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// Another network than the experiment's, se_resnet, scnn or bilstm; its name is added to the
    /// experiment's
    #[arg(long, value_name = "NAME")]
    architecture: Option<String>,
    /// Another depth of se_resnet than the experiment's; its number is added to the experiment's name
    #[arg(long, value_name = "LAYERS")]
    depth: Option<u32>,
    /// Other random numbers than the experiment's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where the finished checkpoint goes [default: RUN/NAME.safetensors]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// CPU threads of a training step [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Threads that draw windows [default: 1, or for a GPU all cores but one]
    #[arg(long, value_name = "N")]
    loader_threads: Option<usize>,
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
    let device = args.sources.device()?;
    set_threads(args.threads)?;
    let folder = args
        .run
        .unwrap_or_else(|| PathBuf::from("runs").join(&experiment.name));
    let features = experiment
        .architecture()
        .map_err(|e| anyhow!(e))?
        .features();
    let cache = args.sources.cache(features)?;
    let stop = stop_flag()?;
    // Before the sound, which takes minutes the first time.
    let start = args
        .start_from
        .as_deref()
        .map(|path| start(path, &experiment))
        .transpose()?;
    let teacher = args.teacher.as_deref().map(Checkpoint::read).transpose()?;
    let sound = Sound::read(&experiment, &args.sources, &cache)?;
    let out = args.out.unwrap_or_else(|| out_path(&experiment, &folder));
    let setting = TrainContext {
        start_from: start.as_ref(),
        teacher: teacher.as_ref(),
        train: &sound.train,
        valid: &sound.valid,
        device,
        loader_threads: args
            .loader_threads
            .unwrap_or_else(|| fit::loader_threads(device)),
        folder: &folder,
        stop: &stop,
    };
    match train(&experiment, &setting, &out)? {
        None => bail!(INTERRUPTED),
        Some(metadata) => measured(&out, &metadata),
    }
}

/// A checkpoint to begin with, at the experiment's look-aheads.
fn start(path: &Path, experiment: &Experiment) -> anyhow::Result<Checkpoint> {
    let start = Checkpoint::read(path)?;
    if start.metadata.horizons_frames != experiment.horizons_frames {
        tracing::info!(
            "{} has the horizons {:?}; those of the experiment begin between them",
            path.display(),
            start.metadata.horizons_frames
        );
    }
    start
        .with_horizons(&experiment.horizons_frames)
        .map_err(|e| anyhow!("the training cannot begin with {}: {e}", path.display()))
}

pub const INTERRUPTED: &str = "interrupted; the same command goes on after the last whole epoch";

/// The CPU threads of a training step: all cores unless told otherwise.
pub fn set_threads(threads: Option<usize>) -> anyhow::Result<()> {
    let threads = threads.unwrap_or_else(cores);
    tch::set_num_threads(i32::try_from(threads).context("--threads is too large")?);
    Ok(())
}

/// Where a training's finished checkpoint goes unless told otherwise.
pub fn out_path(experiment: &Experiment, folder: &Path) -> PathBuf {
    folder.join(format!("{}.safetensors", experiment.name))
}

/// What an experiment trains on.
pub struct Sound {
    pub train: Vec<Corpus>,
    pub valid: Vec<Corpus>,
}

impl Sound {
    pub fn read(
        experiment: &Experiment,
        sources: &Sources,
        cache: &FeatureCache,
    ) -> anyhow::Result<Self> {
        let train = sources.load(experiment, Split::Train, cache)?;
        let valid = sources.load(experiment, Split::Valid, cache)?;
        if valid.is_empty() {
            bail!("no corpus of the experiment has tracks for validation");
        }
        Ok(Self { train, valid })
    }
}

/// Trains, or goes on where an interrupted training was, and writes the finished checkpoint; nothing
/// where Ctrl-C came before.
pub fn train(
    experiment: &Experiment,
    setting: &TrainContext,
    out: &Path,
) -> anyhow::Result<Option<Metadata>> {
    let folder = setting.folder;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    allocator::keep();
    let mut observer = Terminal::new(experiment);
    match fit::fit(experiment, setting, &mut observer)? {
        Outcome::Interrupted => {
            observer.bar.abandon();
            return Ok(None);
        }
        Outcome::Finished => observer.bar.finish_and_clear(),
    }
    let best = Checkpoint::read(&TrainContext::best_path(folder))?;
    let aim = experiment.operating_point;
    let metadata = export::finish(best, setting.valid, aim, setting.device, out)?;
    Ok(Some(metadata))
}

/// Tells where a checkpoint went and what was measured on validation.
pub fn measured(out: &Path, metadata: &Metadata) -> anyhow::Result<()> {
    let figures = metadata.figures.iter();
    let figures: String = figures
        .map(|(name, value)| format!("  {name} {value:.4}\n"))
        .collect();
    print(&format!("{}\n{figures}", out.display()))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The share of an epoch from which on waiting for windows is told.
const TOLD_WAIT: f64 = 0.05;
/// Lines an epoch where nobody sees a bar, as in a log file.
const LINES_AN_EPOCH: usize = 8;

/// A bar an epoch, or some lines where there is no terminal, and a line when it is over.
struct Terminal {
    bar: ProgressBar,
    epochs: usize,
    epoch_began: Instant,
}

impl Terminal {
    fn new(experiment: &Experiment) -> Self {
        let bar = ProgressBar::new(experiment.training.epoch_batches as u64)
            .with_style(style("{prefix} {bar:30} {pos}/{len} loss {msg} {eta} left"));
        Self {
            bar,
            epochs: experiment.training.max_epochs,
            epoch_began: Instant::now(),
        }
    }
}

impl Observer for Terminal {
    fn batch(&mut self, epoch: usize, done: usize, of: usize, loss: f64) {
        if done == 1 {
            self.epoch_began = Instant::now();
            self.bar.reset();
            self.bar.set_length(of as u64);
            self.bar
                .set_prefix(format!("epoch {}/{}", epoch + 1, self.epochs));
        }
        self.bar.set_message(format!("{loss:.3}"));
        self.bar.set_position(done as u64);
        // The first batch is not counted: it began before this was told.
        if self.bar.is_hidden() && done > 1 && done.is_multiple_of(of.div_ceil(LINES_AN_EPOCH)) {
            let batch_s = self.epoch_began.elapsed().as_secs_f64() / (done - 1) as f64;
            let (epoch, epochs) = (epoch + 1, self.epochs);
            eprintln!(
                "epoch {epoch}/{epochs}: {done} of {of} batches, loss {loss:.3}, {batch_s:.3} s a batch"
            );
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        let corpora: Vec<String> = report
            .corpora
            .iter()
            .map(|c| {
                // There is none where all is voice, or nothing.
                let auroc = match c.auroc.is_nan() {
                    true => String::new(),
                    false => format!(" (auroc {:.3})", c.auroc),
                };
                format!("{} {:.3}{auroc}", c.name, c.accuracy_at_half)
            })
            .collect();
        // A training that waits could be faster: the user is told.
        let waited = match report.waited_s > TOLD_WAIT * report.seconds {
            true => format!(", {:.0} s of them for windows", report.waited_s),
            false => String::new(),
        };
        let line = format!(
            "epoch {:3}  train {:.4}  valid {:.4}{}  {}  {:.0} s{waited}",
            report.epoch + 1,
            report.train_loss,
            report.valid_loss,
            if report.best { " best" } else { "     " },
            corpora.join(", "),
            report.seconds
        );
        self.bar.suspend(|| eprintln!("{line}"));
    }
}
