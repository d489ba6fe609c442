//! Measurement of a finished training on the test data.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use tch::Device;

use crate::corpora::Corpus;
use crate::evaluation::collar::COLLAR_S;
use crate::evaluation::decide::Smoothing;
use crate::evaluation::figures::{Measured, figures};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::ratio_with_interval;
use crate::evaluation::scorer::TrackScorer;
use crate::model::Checkpoint;
use crate::reproduction::ReproductionError;
use crate::reproduction::machine;
use crate::reproduction::plan::Training;
use crate::reproduction::status::{TestFigures, TestResult, fingerprint};
use crate::training::experiment::identity::fixed_part;

/// The fields used of a line of the log. Older programs did not write the device.
#[derive(Debug, Deserialize)]
struct Epoch {
    epoch: usize,
    seconds: f64,
    best: bool,
    device: Option<String>,
    threads: Option<i32>,
}

/// Measures the checkpoint of a finished training on all tracks of the test data together, at the threshold that was
/// chosen on validation data. `done` receives the number of frames of each finished track.
///
/// # Errors
///
/// The checkpoint, the state or the log of the training cannot be read, or the test tracks are too short.
pub fn measure(
    training: &Training,
    checkpoint_path: &Path,
    test: &[Corpus],
    device: Device,
    threads: usize,
    done: &(dyn Fn(usize) + Sync),
) -> Result<TestResult, ReproductionError> {
    let checkpoint = Checkpoint::read(checkpoint_path)?;
    let metadata = &checkpoint.metadata;
    let point = metadata
        .operating_points
        .first()
        .ok_or(ReproductionError::NoHorizon)?;
    let mut scorer = TrackScorer::new(&checkpoint, device, threads);
    let tracks: Vec<Measured> = test
        .iter()
        .flat_map(|corpus| {
            let scored = scorer.score_corpus(corpus, done);
            corpus.tracks.iter().zip(scored)
        })
        .map(|(track, scored)| Measured::new(track, scored))
        .collect();
    let rows = figures(
        "test",
        &metadata.name,
        &tracks,
        &metadata.horizons_frames[..1],
        &metadata.operating_points[..1],
        COLLAR_S,
    )?;
    let row = |smoothing| {
        let mut rows = rows.iter();
        rows.find(|row| row.smoothing == smoothing)
            .ok_or(ReproductionError::NoHorizon)
    };
    let (raw, median) = (row(Smoothing::Raw)?, row(Smoothing::Median)?);
    if raw.decisions.windows == 0 {
        return Err(ReproductionError::NoDecisions);
    }
    let of_track = |track: &Measured| Confusion::at(point.threshold, track.scored.labelled(0));
    let right = |c: Confusion| [c.true_voice + c.true_silence, c.total()];
    let counts: Vec<[u64; 2]> = tracks.iter().map(|track| right(of_track(track))).collect();
    let shares: Vec<[f64; 2]> = counts.iter().map(|track| track.map(|n| n as f64)).collect();
    let [_, low, high] = ratio_with_interval(&shares);
    let progress = training
        .progress()?
        .ok_or_else(|| ReproductionError::NoTraining(training.folder.clone()))?;
    let log = Log::read(&training.folder)?;
    let file_name = checkpoint_path.file_name().unwrap_or_default();
    Ok(TestResult {
        v: TestResult::VERSION,
        version: crate::VERSION.into(),
        measured_on: machine::today(),
        experiment: fixed_part(&training.experiment).map_err(ReproductionError::training)?,
        checkpoint: file_name.to_string_lossy().into_owned(),
        fingerprint: fingerprint(checkpoint_path)?,
        parameters: checkpoint.architecture.parameters(),
        threshold: point.threshold,
        validation: metadata.figures.clone(),
        test: TestFigures {
            windows: raw.decisions.windows,
            accuracy: raw.decisions.accuracy,
            accuracy_median: median.decisions.accuracy,
            always_voice_accuracy: raw.decisions.always_voice_accuracy,
            auroc: raw.decisions.auroc,
            interval: [low, high],
            track_accuracy: raw.decisions.track_accuracy[0],
            tracks: counts,
        },
        epochs: progress.epochs_done,
        best_epoch: log.best_epoch,
        stopped_early: progress.stopped_early,
        batches: progress.steps,
        seconds: log.seconds,
        precision: training.experiment.training.precision,
        devices: log.devices,
        machine: machine::name(),
    })
}

/// Summary of the `log.jsonl` of a training.
struct Log {
    seconds: f64,
    /// Counted from 1.
    best_epoch: usize,
    devices: Vec<String>,
}

impl Log {
    fn read(folder: &Path) -> Result<Self, ReproductionError> {
        let path = folder.join("log.jsonl");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(reason) => return Err(ReproductionError::Unreadable { path, reason }),
        };
        // A training that was killed between log and state repeats the epoch: the last line is valid.
        let mut epochs = BTreeMap::new();
        for line in text.lines() {
            let epoch: Epoch = match serde_json::from_str(line) {
                Ok(epoch) => epoch,
                Err(reason) => return Err(ReproductionError::Log { path, reason }),
            };
            epochs.insert(epoch.epoch, epoch);
        }
        let mut devices: Vec<String> = Vec::new();
        for epoch in epochs.values() {
            if let (Some(device), Some(threads)) = (&epoch.device, epoch.threads) {
                let name = match device.as_str() {
                    "cpu" if threads == 1 => "cpu, 1 thread".to_owned(),
                    "cpu" => format!("cpu, {threads} threads"),
                    device => device.to_owned(),
                };
                if !devices.contains(&name) {
                    devices.push(name);
                }
            }
        }
        let best = epochs.values().rev().find(|e| e.best);
        Ok(Self {
            seconds: epochs.values().map(|e| e.seconds).sum(),
            best_epoch: best.map_or(0, |e| e.epoch + 1),
            devices,
        })
    }
}
