//! `vocald detect`: labels for recordings.

mod batch;
mod digest;
mod formats;
mod inputs;
mod manifest;
mod names;
mod options;
mod outputs;
mod passed_over;
mod printer;
mod progress;
mod queue;
mod record;
mod shard;
mod summary;
mod walk;

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::bail;

use self::batch::{Batch, Ended};
use self::digest::digest;
use self::inputs::Inputs;
use self::manifest::Manifest;
pub use self::options::Args;
use self::options::Destination;
use self::progress::Progress;
use self::queue::Queue;
use self::summary::Summary;
use crate::cli::Usage;
use crate::cli::counts::warn_of_held_windows;
use crate::cli::interrupt;
use crate::decision::Horizon;
use crate::frontend::Features;
use crate::inference::engine::built_in;
use crate::inference::{
    ComputePrecision, Engine, EngineError, OfflineScorer, WeightPrecision, Worker, cores, engines,
};
use crate::model::layers::Weights;
use crate::model::{Checkpoint, float_values};
use crate::pipeline::file_windows::FileWindows;
use crate::pipeline::label::{FileNetwork, Labeler};
use crate::pipeline::recording::ReadOptions;
use crate::pulse::Pulse;
use crate::stderr;

/// A signal ended the job.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: the labels that were written are complete{go_on}")]
pub struct Interrupted {
    go_on: &'static str,
}

pub fn run(args: &Args, quiet: bool) -> anyhow::Result<()> {
    let start = Instant::now();
    let config = args.decision.config()?;
    config.check()?;
    let inputs = args.inputs()?;
    let mut queue = Queue::new(&inputs);
    let several = queue.has_several();
    let destination = args.destination(several)?;
    let (path, device) = (
        config.model.path().map(ToOwned::to_owned),
        config.model.device()?,
    );
    let precision: ComputePrecision = config.model.precision()?;
    let read = move || match &path {
        Some(path) => Ok::<_, EngineError>(Checkpoint::read(path)?),
        None => built_in(),
    };
    let checkpoint = read()?;
    let model = checkpoint.metadata.clone();
    let horizons = match args.live {
        true => model.model_horizons(),
        false => model.model_horizons().for_recordings(),
    };
    let horizon = config.decision.horizon(&horizons)?;
    if args.speech && model.speech.is_none() {
        let name = &model.name;
        bail!(Usage(format!(
            "--speech needs an output for speech, which the model {name} does not have"
        )));
    }
    let read_options = args.read_options();
    let manifest = match args.manifest_path() {
        Some(path) => Some(Manifest::open(&path, args.shard)?),
        None => None,
    };
    let every = args.every.unwrap_or(NonZeroU64::MIN);
    let settings = match &manifest {
        Some(_) => settings_digest(
            &checkpoint.weights,
            &horizon,
            every,
            precision,
            &read_options,
            args.speech,
        )?,
        None => String::new(),
    };
    let (worker, network, used) = match checkpoint.architecture.features() {
        Features::Mel(window) => {
            warn_of_held_windows(&model, &horizon, every);
            let threads = args.threads;
            let threads =
                move |device: &str| threads.map_or_else(|| threads_for(device), NonZeroUsize::get);
            // Read once, unless engines cannot share it.
            let checkpoint = Arc::new(Mutex::new(Some(checkpoint)));
            let load = move || {
                let own = checkpoint
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                let engine = Engine::new(own.map_or_else(&read, Ok)?, device, precision)?;
                Ok(engine.every(every))
            };
            let (worker, facts) = engines::start(load, threads, |_| Pulse::default())?;
            let network = FileNetwork::Windows(FileWindows {
                intake: worker.intake(),
                window,
                every,
            });
            (Some(worker), network, facts.precision)
        }
        Features::SeparatedMel => {
            args.check_whole_recordings(&model.name)?;
            precision.check_whole_recordings()?;
            let scorer = OfflineScorer::new(&checkpoint, device)?;
            let network = FileNetwork::Recordings(Box::new(Mutex::new(scorer)));
            (None, network, WeightPrecision::Float32)
        }
    };
    let stop = interrupt::stop()?;
    let labeler = Labeler::new(network, &model, horizon)?
        .with_options(read_options)
        .with_stop(stop.clone());
    let progress = Progress::new();
    let batch = Batch {
        labeler: &labeler,
        printed: destination.printed(),
        speech: args.speech,
        verdicts: args.verdicts(),
        outputs: args.outputs(&destination),
        manifest: manifest.as_ref(),
        skip_done: args.skip_done,
        model: &model.name,
        precision: used,
        settings: &settings,
        stop: &stop,
        progress: &progress,
    };
    let threads = args.jobs.map_or_else(cores, NonZeroUsize::get);
    let threads = if several { threads } else { 1 };
    let over = AtomicBool::new(false);
    let (totals, ended) = std::thread::scope(|scope| {
        if progress.is_shown() {
            scope.spawn(|| count_files(&inputs, &progress, &over));
        }
        let ended = batch.run(&mut queue, threads, several);
        over.store(true, Ordering::Relaxed);
        ended
    });
    progress.finish();
    let (finished, has_manifest) = (totals.labelled + totals.done_before, manifest.is_some());
    drop(labeler);
    manifest.map_or(Ok(()), Manifest::finish)?;
    // The error of inference is that of the files too.
    let worker = worker.map_or(Ok(()), Worker::finish);
    // The only error says all, and so do printed labels.
    let says_all = match destination {
        Destination::Printed(_) => queue.passed_over().total() == 0,
        Destination::Files | Destination::Nowhere => false,
    };
    let one_failed = !several && totals.failed > 0;
    if !quiet && !one_failed && !says_all {
        let summary = Summary {
            totals: &totals,
            passed_over: queue.passed_over(),
            took: start.elapsed(),
        };
        stderr::line(summary);
    }
    match ended {
        Ended::Failed(error) => Err(error),
        Ended::ReaderGone => Ok(worker?),
        Ended::Interrupted => Err(Interrupted {
            go_on: if has_manifest {
                "; the same command with --skip-done goes on"
            } else {
                ""
            },
        }
        .into()),
        Ended::Complete if totals.failed == 0 => Ok(worker?),
        Ended::Complete => bail!(
            "{} of {} files were not labelled",
            totals.failed,
            finished + totals.failed
        ),
    }
}

/// Inference threads on a device: all cores, or one that feeds a GPU.
fn threads_for(device: &str) -> usize {
    match device {
        "cpu" => cores(),
        _ => 1,
    }
}

/// Tells the progress bar how many files there are, while they are labelled.
fn count_files(inputs: &Inputs, progress: &Progress, over: &AtomicBool) {
    let jobs = inputs.jobs().filter(Result::is_ok);
    for (count, _) in (1..).zip(jobs) {
        if over.load(Ordering::Relaxed) {
            break;
        }
        progress.set_files(count);
    }
}

/// A digest of what labels depend on, beside the sound.
fn settings_digest(
    weights: &Weights,
    horizon: &Horizon,
    every: NonZeroU64,
    precision: ComputePrecision,
    reading: &ReadOptions,
    speech: bool,
) -> anyhow::Result<String> {
    let mut parts = vec![
        horizon.frames.to_string().into_bytes(),
        every.to_string().into_bytes(),
        serde_json::to_vec(&horizon.point)?,
        format!("{reading:?}").into_bytes(),
    ];
    // Records of earlier versions, which have no precision, stay those of `auto`.
    if precision != ComputePrecision::Auto {
        parts.push(format!("{precision:?}").into_bytes());
    }
    if let Some(output) = &horizon.speech {
        parts.push(format!("{output:?} {speech}").into_bytes());
    }
    for (name, tensor) in weights {
        let values = float_values(tensor).into_iter();
        parts.push(name.clone().into_bytes());
        parts.push(values.flat_map(f32::to_le_bytes).collect());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(format!("{:032x}", digest(&parts)))
}
