//! Tests a finished training, once.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use tch::Device;

use crate::corpora::Corpus;
use crate::evaluation::decide::Smoothing;
use crate::evaluation::figures::{Measured, figures, share_with_interval};
use crate::evaluation::metrics::Confusion;
use crate::evaluation::scorer::TrackScorer;
use crate::model::Checkpoint;
use crate::reproduction::machine;
use crate::reproduction::plan::Training;
use crate::reproduction::status::{TestFigures, TestResult, fingerprint};
use crate::training::experiment::identity::fixed_part;

/// What is needed of a line of the log; lines of older programs do not tell the device.
#[derive(Debug, Deserialize)]
struct Epoch {
    epoch: usize,
    seconds: f64,
    best: bool,
    device: Option<String>,
    threads: Option<i32>,
}

/// Measures a finished training's checkpoint on the test data at the threshold that was chosen on
/// validation, with all tracks of all corpora together; `done` is told the frames of each track.
/// The error is a sentence.
pub fn measure(
    training: &Training,
    checkpoint_path: &Path,
    test: &[Corpus],
    device: Device,
    threads: usize,
    done: &(dyn Fn(usize) + Sync),
) -> Result<TestResult, String> {
    let checkpoint = Checkpoint::read(checkpoint_path).map_err(|e| e.to_string())?;
    let metadata = &checkpoint.metadata;
    let point = metadata
        .operating_points
        .first()
        .ok_or("the checkpoint has no operating point")?;
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
    )
    .map_err(|e| e.to_string())?;
    let row = |smoothing| {
        let mut rows = rows.iter();
        rows.find(|row| row.smoothing == smoothing)
            .ok_or("the checkpoint answered for no track")
    };
    let (raw, median) = (row(Smoothing::Raw)?, row(Smoothing::Median)?);
    if raw.windows == 0 {
        return Err("no test track is as long as a window".into());
    }
    let of_track = |track: &Measured| Confusion::at(point.threshold, track.scored.labelled(0));
    let right = |c: Confusion| [c.true_voice + c.true_silence, c.total()];
    let counts: Vec<[u64; 2]> = tracks.iter().map(|track| right(of_track(track))).collect();
    let shares: Vec<[f64; 2]> = counts.iter().map(|track| track.map(|n| n as f64)).collect();
    let [_, low, high] = share_with_interval(&shares);
    let progress = training
        .progress()?
        .ok_or_else(|| format!("{} holds no training", training.folder.display()))?;
    let log = Log::read(&training.folder)?;
    let file_name = checkpoint_path.file_name().unwrap_or_default();
    Ok(TestResult {
        v: TestResult::VERSION,
        version: env!("CARGO_PKG_VERSION").into(),
        measured_on: machine::today(),
        experiment: fixed_part(&training.experiment).map_err(|e| e.to_string())?,
        checkpoint: file_name.to_string_lossy().into_owned(),
        fingerprint: fingerprint(checkpoint_path)?,
        parameters: checkpoint.architecture.parameters(),
        threshold: point.threshold,
        validation: metadata.figures.clone(),
        test: TestFigures {
            windows: raw.windows,
            accuracy: raw.accuracy,
            accuracy_median: median.accuracy,
            always_voice_accuracy: raw.always_voice_accuracy,
            auroc: raw.auroc,
            interval: [low, high],
            track_accuracy: raw.track_accuracy[0],
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

/// What a training's `log.jsonl` says of it as a whole.
struct Log {
    seconds: f64,
    /// Counted from 1.
    best_epoch: usize,
    devices: Vec<String>,
}

impl Log {
    fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("log.jsonl");
        let text = std::fs::read_to_string(&path)
            .map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
        // A program that was killed between the log and the state repeats the epoch: the last
        // line counts.
        let mut epochs = BTreeMap::new();
        for line in text.lines() {
            let epoch: Epoch = serde_json::from_str(line)
                .map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
            epochs.insert(epoch.epoch, epoch);
        }
        let mut devices: Vec<String> = Vec::new();
        for epoch in epochs.values() {
            if let (Some(device), Some(threads)) = (&epoch.device, epoch.threads) {
                let name = match device.as_str() {
                    "cpu" => format!("cpu, {threads} {}", of(threads, "thread", "threads")),
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

fn of(count: i32, one: &'static str, more: &'static str) -> &'static str {
    if count == 1 { one } else { more }
}
