//! The training loop: batches, Adam, validation after every epoch, early stopping.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tch::Device;

use crate::corpora::Corpus;
use crate::evaluation::metrics::{Confusion, auroc, cross_entropy};
use crate::evaluation::scorer::{TrackScorer, pooled};
use crate::inference::{cores, device_name};
use crate::model::{Architecture, Checkpoint};
use crate::reporting::learning_curves;
use crate::training::distillation::Teacher;
use crate::training::experiment::{Experiment, Training};
use crate::training::export::checkpoint;
use crate::training::loader;
use crate::training::loader::{Batch, Epoch};
use crate::training::resume::begin;
use crate::training::run_lock::RunLock;
use crate::training::sampler::Sampler;
use crate::training::state::State;
use crate::training::step::{Trained, average};

/// Validation looks at every such window of a track: one in 0.36 s.
const VALIDATION_STRIDE: usize = 5;

/// What a training needs beside its experiment.
pub struct TrainContext<'a> {
    pub train: &'a [Corpus],
    pub valid: &'a [Corpus],
    pub device: Device,
    pub loader_threads: usize,
    /// The weights a new training begins with, instead of random ones.
    pub start_from: Option<&'a Checkpoint>,
    /// Whose answers are learnt beside the labels.
    pub teacher: Option<&'a Checkpoint>,
    /// Where its state, log and best checkpoint go.
    pub folder: &'a Path,
    /// Set by Ctrl-C: the training ends after the batch under way.
    pub stop: &'a AtomicBool,
}

impl TrainContext<'_> {
    pub fn state_path(folder: &Path) -> PathBuf {
        folder.join("state.safetensors")
    }

    pub fn best_path(folder: &Path) -> PathBuf {
        folder.join("best.safetensors")
    }
}

/// Threads that draw windows unless told otherwise: one keeps up with a network on the CPU; for a GPU
/// all cores but one draw, which feeds it.
pub fn loader_threads(device: Device) -> usize {
    match device {
        Device::Cpu => 1,
        _ => (cores() - 1).max(1),
    }
}

/// Told how the training goes.
pub trait Observer {
    fn batch(&mut self, epoch: usize, done: usize, of: usize, loss: f64);
    fn epoch(&mut self, report: &EpochReport);
}

/// A line of the log.
#[derive(Debug, Clone, Serialize)]
pub struct EpochReport {
    pub epoch: usize,
    pub steps: u64,
    pub learning_rate: f64,
    pub train_loss: f64,
    /// Mean over the corpora and horizons.
    pub valid_loss: f64,
    pub corpora: Vec<CorpusReport>,
    pub seconds: f64,
    /// Of these, how long steps waited for windows to be drawn.
    pub waited_s: f64,
    pub best: bool,
    /// What the steps were computed on, and on how many of its threads where it is the CPU.
    pub device: String,
    pub threads: i32,
}

/// A corpus in validation, at its largest look-ahead.
#[derive(Debug, Clone, Serialize)]
pub struct CorpusReport {
    pub name: String,
    pub loss: f64,
    pub accuracy_at_half: f64,
    pub auroc: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done, or validation has stopped improving.
    Finished,
    /// Ctrl-C: the state after the last whole epoch is kept.
    Interrupted,
}

/// Trains until validation stops improving. A state in the folder is gone on from.
pub fn fit(
    experiment: &Experiment,
    setting: &TrainContext,
    observer: &mut dyn Observer,
) -> Result<Outcome, String> {
    let architecture = experiment.architecture()?;
    let _alone = RunLock::in_folder(setting.folder)?;
    let sampler = Sampler::new(
        setting.train,
        &experiment.augmentation,
        architecture.family,
        &experiment.horizons_frames,
    )?;
    let mut state = begin(experiment, architecture, &sampler, setting)?;
    let training = &experiment.training;
    let teacher = Teacher::asked_for(
        setting.teacher,
        experiment,
        &state.normalisation,
        setting.device,
    )?;
    let mut trained = Trained::new(architecture, &state.weights).with_teacher(teacher);
    if let Some(learnt) = experiment.learnt_outputs() {
        trained = trained.only_outputs(&learnt);
    }
    while !state.progress.is_over(training.max_epochs) {
        let started = Instant::now();
        let epoch = state.progress.epochs_done;
        let step = |batch: Batch, state: &mut State| {
            let rate = learning_rate(training, epoch, state.adam.steps);
            let loss = trained.step(&batch, training, &mut state.adam, rate, setting.device);
            average(state, training.average_decay);
            loss
        };
        let plan = Epoch {
            seed: training.seed,
            epoch: epoch as u64,
            batches: training.epoch_batches,
            batch_windows: training.batch_windows,
        };
        let normalisation = state.normalisation.clone();
        // What is dropped out of an epoch does not depend on the epochs before it having been
        // trained by this process.
        tch::manual_seed(epoch_seed(training.seed, epoch));
        let drawn = std::thread::scope(|scope| {
            let batches = loader::start(
                scope,
                &sampler,
                &normalisation,
                &plan,
                setting.loader_threads,
            );
            let (mut sum, mut waited) = (0.0, Duration::ZERO);
            let mut asked = Instant::now();
            for (done, batch) in batches.enumerate() {
                waited += asked.elapsed();
                if setting.stop.load(Ordering::Relaxed) {
                    return None;
                }
                let loss = step(batch, &mut state);
                sum += loss;
                observer.batch(epoch, done + 1, plan.batches, loss);
                asked = Instant::now();
            }
            Some((sum / plan.batches as f64, waited))
        });
        let Some((train_loss, waited)) = drawn else {
            return Ok(Outcome::Interrupted);
        };
        if !train_loss.is_finite() {
            return Err(format!(
                "the loss is {train_loss} after epoch {epoch}; lower training.learning_rate"
            ));
        }
        let learning_rate = learning_rate(training, epoch, state.adam.steps);
        let mut report = validate(experiment, architecture, &state, setting);
        report.train_loss = train_loss;
        report.learning_rate = learning_rate;
        report.waited_s = waited.as_secs_f64();
        report.seconds = started.elapsed().as_secs_f64();
        conclude(experiment, architecture, &mut state, &mut report, setting)?;
        observer.epoch(&report);
    }
    Ok(Outcome::Finished)
}

/// Another seed for every epoch, and none that the first weights were drawn from.
fn epoch_seed(seed: u64, epoch: usize) -> i64 {
    (seed ^ (epoch as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) as i64
}

fn learning_rate(training: &Training, epoch: usize, steps: u64) -> f64 {
    let falls = (epoch / training.learning_rate_epochs) as i32;
    let warm_up = (steps as f64 + 1.0) / (training.warm_up_batches as f64 + 1.0);
    training.learning_rate * training.learning_rate_factor.powi(falls) * warm_up.min(1.0)
}

fn validate(
    experiment: &Experiment,
    architecture: Architecture,
    state: &State,
    setting: &TrainContext,
) -> EpochReport {
    let checkpoint = checkpoint(
        experiment,
        architecture,
        state.average.parts(),
        &state.normalisation,
    );
    let threads = tch::get_num_threads();
    let scorer = TrackScorer::new(&checkpoint, setting.device, threads.max(1) as usize);
    let mut scorer = scorer.with_stride(VALIDATION_STRIDE);
    let horizons = &experiment.horizons_frames;
    let corpora = setting.valid.iter().map(|corpus| {
        let tracks = scorer.score_corpus(corpus, &|_| ());
        let losses = (0..horizons.len()).map(|h| cross_entropy(&pooled(&tracks, h)));
        let first = pooled(&tracks, 0);
        CorpusReport {
            name: corpus.name.clone(),
            loss: losses.sum::<f64>() / horizons.len() as f64,
            accuracy_at_half: Confusion::at(0.5, first.iter().copied()).accuracy(),
            auroc: auroc(&first),
        }
    });
    let corpora: Vec<CorpusReport> = corpora.collect();
    EpochReport {
        epoch: state.progress.epochs_done,
        steps: state.adam.steps,
        learning_rate: 0.0,
        train_loss: 0.0,
        valid_loss: corpora.iter().map(|c| c.loss).sum::<f64>() / corpora.len() as f64,
        corpora,
        seconds: 0.0,
        waited_s: 0.0,
        best: false,
        device: device_name(setting.device),
        threads,
    }
}

/// Keeps the epoch: the best checkpoint, the log, the state, in this order, so that a state never
/// claims what is not on disk.
fn conclude(
    experiment: &Experiment,
    architecture: Architecture,
    state: &mut State,
    report: &mut EpochReport,
    setting: &TrainContext,
) -> Result<(), String> {
    let folder = setting.folder;
    report.best = state
        .progress
        .best_loss
        .is_none_or(|best| report.valid_loss < best);
    let progress = &mut state.progress;
    progress.epochs_done += 1;
    progress.steps = state.adam.steps;
    if report.best {
        progress.best_loss = Some(report.valid_loss);
        progress.epochs_without_gain = 0;
    } else {
        progress.epochs_without_gain += 1;
        progress.stopped_early =
            progress.epochs_without_gain >= experiment.training.patience_epochs;
    }
    if report.best {
        let mut best = checkpoint(
            experiment,
            architecture,
            state.average.parts(),
            &state.normalisation,
        );
        for other in [setting.start_from, setting.teacher].into_iter().flatten() {
            best.metadata.add_trained_on(&other.metadata.trained_on);
        }
        best.write(&TrainContext::best_path(folder))
            .map_err(|e| e.to_string())?;
    }
    let log = folder.join("log.jsonl");
    let line = serde_json::to_string(report).map_err(|e| e.to_string())?;
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log)
        .and_then(|mut file| writeln!(file, "{line}"))
        .map_err(|e| format!("cannot write {}: {e}", log.display()))?;
    learning_curves::write(folder).map_err(|e| e.to_string())?;
    state.write(&TrainContext::state_path(folder))
}
