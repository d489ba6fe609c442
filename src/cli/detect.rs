//! `vocald detect`: labels for recordings.

mod files;
mod formats;
mod progress;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::bail;

use crate::cli::Usage;
use crate::cli::choice::choice;
use crate::cli::decision_options::DecisionOptions;
use crate::cli::detect::files::Job;
use crate::cli::detect::formats::Format;
use crate::cli::detect::progress::Progress;
use crate::cli::stdout::print;
use crate::frontend::Features;
use crate::inference::engine::built_in;
use crate::inference::{Engine, OfflineScorer, Worker, cores};
use crate::model::Checkpoint;
use crate::pipeline::label::{FileNetwork, Labeler, Labels};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Sound files, and folders to search for sound files
    #[arg(required = true, value_name = "FILE|FOLDER")]
    inputs: Vec<PathBuf>,
    /// Folder for the labels, created if missing; files of a searched folder keep their sub-folders. Required for
    /// several files [default: standard output]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Label formats, separated by commas, see below
    #[arg(long, value_delimiter = ',', default_value = "lab", value_parser = formats())]
    format: Vec<Format>,
    /// Files labelled at the same time [default: all cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    decision: DecisionOptions,
}

fn formats() -> impl clap::builder::TypedValueParser<Value = Format> {
    choice(&Format::ALL.map(|format| (format.name(), format)))
}

const EXAMPLES: &str = "\
Decides exactly as `vocald run` on the same sound, with the same look-ahead. Checkpoints of bilstm, \
which `run` cannot use, work here.

Formats:
  lab       `start end sing|nosing` lines in seconds that cover the whole file
  audacity  `start end voice` lines separated by tabs: an Audacity label track
  csv       `t,p,voice` rows, one per decision, 14 a second
  json      events, decisions, and the file, model and version behind them

Examples:
  vocald detect song.ogg
  vocald detect album/ --out labels/ --format lab,csv
  vocald detect song.ogg --lookahead 0.2      with at most 0.2 s of look-ahead";

pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.decision.config()?;
    config.check()?;
    let jobs = files::jobs(&args.inputs)?;
    match (&args.out, jobs.as_slice(), args.format.as_slice()) {
        (Some(out), _, _) => files::check_outputs(out, &jobs)?,
        (None, [_], [_]) => {}
        (None, [_], _) => bail!(Usage(
            "several formats need a folder: name one with --out".into()
        )),
        (None, _, _) => bail!(Usage(
            "several files need a folder: name one with --out".into()
        )),
    }
    let (path, device) = (config.model_path(), config.device()?);
    let precision = config.precision()?;
    let checkpoint = match &path {
        Some(path) => Checkpoint::read(path)?,
        None => built_in()?,
    };
    let model = checkpoint.metadata.clone();
    let horizon = config.decision.horizon(&model.model_horizons())?;
    let (worker, network) = match checkpoint.architecture.features() {
        Features::Mel(window) => {
            let load = move || Ok((Engine::new(checkpoint, device, precision)?, ()));
            let (worker, ()) = Worker::start(load)?;
            let network = FileNetwork::Windows(worker.intake(), window);
            (Some(worker), network)
        }
        Features::SeparatedMel => {
            let scorer = OfflineScorer::new(&checkpoint, device)?;
            (None, FileNetwork::Recordings(Box::new(Mutex::new(scorer))))
        }
    };
    let labeler = Labeler::new(network, &model, horizon)?;
    let progress = Progress::new(jobs.len());
    let failed = label_all(&args, &jobs, &labeler, &progress);
    drop(labeler);
    progress.finish();
    worker.map_or(Ok(()), Worker::finish)?;
    match (failed.len(), jobs.len()) {
        (0, _) => Ok(()),
        (_, 1) => failed.into_iter().try_for_each(Err),
        (failed, all) => bail!("{failed} of {all} files were not labelled"),
    }
}

/// Labels every file and returns the errors; with several files each error is also printed at once.
fn label_all(
    args: &Args,
    jobs: &[Job],
    labeler: &Labeler,
    progress: &Progress,
) -> Vec<anyhow::Error> {
    let threads = args
        .jobs
        .map_or_else(cores, NonZeroUsize::get)
        .min(jobs.len());
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = progress.file();
            let labelled = labeler
                .label(&job.input, &|frames, of| done.at(frames, of))
                .map_err(anyhow::Error::from)
                .and_then(|labels| {
                    write(args, job, &labels)?;
                    Ok(labels)
                });
            match labelled {
                Ok(labels) if labels.decisions.is_empty() => progress.say(&format!(
                    "{} is shorter than {}, so there is no decision in it",
                    job.input.display(),
                    labeler.shortest()
                )),
                Ok(_) => {}
                Err(error) => {
                    if jobs.len() > 1 {
                        progress.say(&format!("vocald: {error:#}"));
                    }
                    failed
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn write(args: &Args, job: &Job, labels: &Labels) -> anyhow::Result<()> {
    for &format in &args.format {
        let text = format.write(labels)?;
        match &args.out {
            Some(out) => files::write(&job.output(out, format.extension()), &text)?,
            None => print(&text)?,
        }
    }
    Ok(())
}
