//! The training loop: epochs of training steps, validation after each, early stopping.

use std::io;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;
use tch::Device;

use crate::inference::{cores, device_name};
use crate::model::Architecture;
use crate::reporting::learning_curves;
use crate::training::context::TrainContext;
use crate::training::distillation::Teacher;
use crate::training::error::TrainError;
use crate::training::experiment::{Experiment, Training};
use crate::training::export::checkpoint;
use crate::training::loader;
use crate::training::loader::Epoch;
use crate::training::resume::resume_or_start;
use crate::training::run_lock::RunLock;
use crate::training::sampler::Sampler;
use crate::training::state::State;
use crate::training::step::{TrainStep, update_average};
use crate::training::validation::{CorpusReport, validate};

/// Default number of threads that draw windows. One keeps up with a network on the CPU; for a GPU it is all
/// cores but one, which feeds the GPU.
#[must_use]
pub fn loader_threads(device: Device) -> usize {
    match device {
        Device::Cpu => 1,
        _ => (cores() - 1).max(1),
    }
}

/// Receives the progress of a training.
pub trait Observer {
    /// After each batch: `done` of `of` batches of an epoch (from 0), and the batch's loss.
    fn batch(&mut self, epoch: usize, done: usize, of: usize, loss: f64);
    /// After each epoch.
    fn epoch(&mut self, report: &EpochReport);
}

/// An epoch of a training, as a line of its log.
#[derive(Debug, Clone, Serialize)]
pub struct EpochReport {
    /// Its number, from 0.
    pub epoch: usize,
    /// Training steps since the first epoch.
    pub steps: u64,
    /// Learning rate after its last step.
    pub learning_rate: f64,
    /// Mean loss of its batches.
    pub train_loss: f64,
    /// Mean over the corpora and horizons.
    pub valid_loss: f64,
    /// Validation of each corpus.
    pub corpora: Vec<CorpusReport>,
    /// Duration, validation included.
    pub seconds: f64,
    /// Part of `seconds` that steps waited for windows to be drawn.
    pub waited_s: f64,
    /// Whether `valid_loss` is the lowest so far.
    pub best: bool,
    /// Device of the steps: `cpu` or `cuda:N`.
    pub device: String,
    /// CPU threads of libtorch.
    pub threads: i32,
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done, or validation has stopped improving.
    Finished,
    /// Ctrl-C: the state after the last whole epoch is kept.
    Interrupted,
}

/// Trains an experiment until its last epoch, or until validation has stopped improving for
/// `patience_epochs`. A training whose state is in the folder is resumed.
///
/// After every epoch, the folder receives the state, a line of the log, the learning curves and, if
/// validation has improved, the best checkpoint.
///
/// # Errors
/// If another process trains in the folder, the state there is of another training, windows cannot be drawn,
/// the first weights or the teacher do not fit, the loss diverges, or a file cannot be written.
pub fn fit(
    experiment: &Experiment,
    context: &TrainContext,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let architecture = experiment.architecture()?;
    let _lock = RunLock::in_folder(context.folder)?;
    let horizons = &experiment.horizons_frames;
    let augmentation = &experiment.augmentation;
    let sampler = Sampler::new(context.train, augmentation, architecture.family, horizons)?
        .with_soft_edges(experiment.training.soft_edges_s)
        .with_targets(experiment.targets());
    let mut state = resume_or_start(experiment, architecture, &sampler, context)?;
    let training = &experiment.training;
    let (normalisation, device) = (&state.normalisation, context.device);
    let teacher = Teacher::of_experiment(context.teacher, experiment, normalisation, device)?;
    let mut step = TrainStep::new(architecture, &state.weights).with_teacher(teacher);
    if let Some(trained) = experiment.trained_outputs() {
        step = step.only_outputs(&trained);
    }
    while !state.progress.is_over(training.max_epochs) {
        let started = Instant::now();
        let epoch = state.progress.epochs_done;
        let trained = train_epoch(training, &sampler, &step, &mut state, context, observer);
        let Some((train_loss, waited)) = trained else {
            return Ok(Outcome::Interrupted);
        };
        if !train_loss.is_finite() {
            return Err(TrainError::Diverged {
                loss: train_loss,
                epoch,
            });
        }
        let steps = state.adam.steps;
        let corpora = validate(experiment, architecture, &state, context);
        let losses = corpora
            .iter()
            .filter_map(|c| c.trained_loss(experiment.targets()));
        let losses: Vec<f64> = losses.collect();
        let valid_loss = losses.iter().sum::<f64>() / losses.len() as f64;
        let patience = training.patience_epochs;
        let report = EpochReport {
            epoch,
            steps,
            learning_rate: learning_rate(training, epoch, steps),
            train_loss,
            valid_loss,
            corpora,
            seconds: started.elapsed().as_secs_f64(),
            waited_s: waited.as_secs_f64(),
            best: state.progress.end_epoch(steps, valid_loss, patience),
            device: device_name(context.device),
            threads: tch::get_num_threads(),
        };
        keep(experiment, architecture, &state, &report, context)?;
        observer.epoch(&report);
    }
    Ok(Outcome::Finished)
}

/// Trains one epoch. Returns its mean loss and how long steps waited for windows; `None` after Ctrl-C.
fn train_epoch(
    training: &Training,
    sampler: &Sampler,
    step: &TrainStep,
    state: &mut State,
    context: &TrainContext,
    observer: &mut dyn Observer,
) -> Option<(f64, Duration)> {
    let epoch = state.progress.epochs_done;
    let plan = Epoch {
        seed: training.seed,
        epoch: epoch as u64,
        batches: training.epoch_batches,
        batch_windows: training.batch_windows,
    };
    let normalisation = state.normalisation.clone();
    // Dropout must not depend on whether this process has trained the epochs before.
    tch::manual_seed(epoch_seed(training.seed, epoch));
    std::thread::scope(|scope| {
        let threads = context.loader_threads;
        let batches = loader::start(scope, sampler, &normalisation, &plan, threads);
        let (mut sum, mut waited) = (0.0, Duration::ZERO);
        let mut requested = Instant::now();
        for (done, batch) in batches.enumerate() {
            waited += requested.elapsed();
            if context.stop.load(Ordering::Relaxed) {
                return None;
            }
            let rate = learning_rate(training, epoch, state.adam.steps);
            let loss = step.step(&batch, training, &mut state.adam, rate, context.device);
            update_average(state, training.average_decay);
            sum += loss;
            observer.batch(epoch, done + 1, plan.batches, loss);
            requested = Instant::now();
        }
        Some((sum / plan.batches as f64, waited))
    })
}

/// A seed for each epoch that differs from the one of the initial weights.
fn epoch_seed(seed: u64, epoch: usize) -> i64 {
    (seed ^ (epoch as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) as i64
}

/// The learning rate after `steps` steps: linear warm-up, then a fall by a factor every few epochs.
fn learning_rate(training: &Training, epoch: usize, steps: u64) -> f64 {
    let falls = (epoch / training.learning_rate_epochs) as i32;
    let warm_up = (steps as f64 + 1.0) / (training.warm_up_batches as f64 + 1.0);
    training.learning_rate * training.learning_rate_factor.powi(falls) * warm_up.min(1.0)
}

/// Writes the results of an epoch: the best checkpoint, the log, the learning curves, and last the state, which
/// must not refer to anything that is not on disk.
fn keep(
    experiment: &Experiment,
    architecture: Architecture,
    state: &State,
    report: &EpochReport,
    context: &TrainContext,
) -> Result<(), TrainError> {
    let folder = context.folder;
    if report.best {
        let weights = state.average.parts();
        let mut best = checkpoint(experiment, architecture, weights, &state.normalisation);
        for other in [context.start_from, context.teacher].into_iter().flatten() {
            best.metadata.add_trained_on(&other.metadata.trained_on);
        }
        best.write(&TrainContext::best_path(folder))?;
    }
    let log = folder.join("log.jsonl");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log);
    serde_json::to_string(report)
        .map_err(io::Error::other)
        .and_then(|line| writeln!(file?, "{line}"))
        .map_err(|reason| TrainError::Log { path: log, reason })?;
    learning_curves::write(folder).map_err(|e| TrainError::Curves(e.into()))?;
    state.write(&TrainContext::state_path(folder))?;
    Ok(())
}
