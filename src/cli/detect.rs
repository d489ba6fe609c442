//! `vocald detect`: labels recordings.

mod files;
mod formats;
mod progress;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::bail;

use crate::cli::Usage;
use crate::cli::decision_options::Settings;
use crate::cli::detect::files::Job;
use crate::cli::detect::formats::Format;
use crate::cli::detect::progress::Progress;
use crate::cli::stdout::print;
use crate::frontend::Features;
use crate::inference::engine::built_in;
use crate::inference::{Engine, OfflineScorer, Worker, cores};
use crate::model::Checkpoint;
use crate::pipeline::label::{FileNetwork, Labeler, Labels};

/// Label recordings: when is the voice present?
///
/// Decides exactly as `vocald run` does on the same sound, causally and with the same look-ahead; a
/// checkpoint of bilstm, which `run` cannot use, labels files here.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Sound files, and folders that are searched for sound files.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    inputs: Vec<PathBuf>,
    /// Folder for the labels, made where it does not exist; a folder's files keep their places in it.
    /// Without it one file's labels are printed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What to write, several with commas between them.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "lab")]
    format: Vec<Format>,
    /// Files worked on at the same time; by default one a core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    settings: Settings,
}

const EXAMPLES: &str = "\
Formats:
  lab       start end sing|nosing, in seconds, covering the whole file
  audacity  start end voice with tabs: a label track for Audacity
  csv       t,p,voice: a row a decision, fourteen a second
  json      all of it, and what made it

Examples:
  vocald detect song.ogg
  vocald detect album/ --out labels/ --format lab,csv
  vocald detect song.ogg --lookahead 0.2      as a listener with 0.2 s of patience hears it";

pub fn run(args: Args) -> anyhow::Result<()> {
    let config = args.settings.config()?;
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
    let checkpoint = match &path {
        Some(path) => Checkpoint::read(path)?,
        None => built_in()?,
    };
    let model = checkpoint.metadata.clone();
    let horizon = config.decision.horizon(&model.model_horizons())?;
    let (worker, network) = match checkpoint.architecture.features() {
        Features::Mel(window) => {
            let load = move || Ok((Engine::new(checkpoint, device)?, ()));
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

/// Labels every file and returns why some failed; of several files these are named at once.
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
            Some(out) => files::replace(&job.output(out, format.extension()), &text)?,
            None => print(&text)?,
        }
    }
    Ok(())
}
