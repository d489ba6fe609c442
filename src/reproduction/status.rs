//! How far a training of the tables is, and the result that a finished one has left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::reproduction::plan::Training;
use crate::training::experiment::identity::other_settings;
use crate::training::experiment::{Experiment, Precision};

/// The shape of the JSON.
const RESULT_VERSION: u32 = 1;

/// A finished training, measured on the test data: `result.json` in its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestResult {
    pub v: u32,
    /// The program that measured it, and the day.
    pub version: String,
    pub measured_on: String,
    /// The experiment's settings, all but its length.
    pub experiment: String,
    /// The checkpoint's file name, and its [`fingerprint`] when it was measured.
    pub checkpoint: String,
    pub fingerprint: String,
    pub parameters: usize,
    /// Chosen on validation.
    pub threshold: f32,
    /// Accuracy on validation at that threshold, by the checkpoint's names for it.
    pub validation: BTreeMap<String, f64>,
    pub test: TestFigures,
    pub epochs: usize,
    /// Counted from 1; its weights are the checkpoint's.
    pub best_epoch: usize,
    /// Ended because validation no longer improved.
    pub stopped_early: bool,
    pub batches: u64,
    /// Of all epochs, validation included.
    pub seconds: f64,
    pub precision: Precision,
    /// What the epochs ran on, as `cpu, 2 threads`; empty where the log does not tell.
    pub devices: Vec<String>,
    /// The machine that measured.
    pub machine: String,
}

/// All test tracks of the experiment together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFigures {
    pub windows: u64,
    /// Over all windows, each against the threshold.
    pub accuracy: f64,
    /// The same after the centred median of 0.8 s.
    pub accuracy_median: f64,
    pub always_voice_accuracy: f64,
    pub auroc: f64,
    /// Of `accuracy`: the 95 % interval of a bootstrap over tracks.
    pub interval: [f64; 2],
    /// Mean over tracks.
    pub track_accuracy: f64,
    /// Right decisions and all decisions of each track.
    pub tracks: Vec<[u64; 2]>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    Measured(Box<TestResult>),
    /// There is no result: why, for people.
    Open(String),
}

impl Status {
    /// What the training's folder holds. The error is a sentence.
    pub fn of(training: &Training) -> Result<Self, String> {
        let progress = training.progress()?;
        let open = |why: &str| Ok(Self::Open(why.to_owned()));
        let kept = progress.as_ref().map(|p| p.experiment.as_str());
        if let Some(differences) = kept.and_then(|kept| other_settings(kept, &training.experiment))
        {
            let why = "its folder holds a training with other settings";
            return Ok(Self::Open(format!("{why} ({differences})")));
        }
        let max_epochs = training.experiment.training.max_epochs;
        if let Some(progress) = &progress
            && !progress.is_over(max_epochs)
        {
            let done = progress.epochs_done;
            return Ok(Self::Open(format!(
                "{done} of at most {max_epochs} epochs done"
            )));
        }
        let result = match TestResult::read(&training.folder) {
            Ok(Some(result)) => result,
            Ok(None) if progress.is_some() => return open("trained, not measured yet"),
            Ok(None) => return open("not begun"),
            Err(fault) => return Ok(Self::Open(format!("its result is stale: {fault}"))),
        };
        let epochs_done = progress.map(|p| p.epochs_done);
        let stale = result.stale(&training.folder, &training.experiment, epochs_done);
        Ok(match stale {
            Some(why) => Self::Open(format!("its result is stale: {why}")),
            None => Self::Measured(Box::new(result)),
        })
    }
}

impl TestResult {
    pub const VERSION: u32 = RESULT_VERSION;

    fn path(folder: &Path) -> PathBuf {
        folder.join("result.json")
    }

    /// The result in a training's folder, where there is one. The error is what is wrong with it.
    fn read(folder: &Path) -> Result<Option<Self>, String> {
        let text = match std::fs::read_to_string(Self::path(folder)) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.to_string()),
        };
        let result: Self = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        match result.v {
            RESULT_VERSION => Ok(Some(result)),
            v => Err(format!("it is of version {v}, not {RESULT_VERSION}")),
        }
    }

    /// Writes it to a training's folder; the file appears whole or not at all. The error is a
    /// sentence.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        let path = Self::path(folder);
        let partial = path.with_extension("partial");
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        std::fs::write(&partial, text + "\n")
            .and_then(|()| std::fs::rename(&partial, &path))
            .map_err(|e| format!("{} cannot be written: {e}", path.display()))
    }

    /// Why it does not speak of what is in the folder, if so.
    fn stale(
        &self,
        folder: &Path,
        experiment: &Experiment,
        epochs_done: Option<usize>,
    ) -> Option<String> {
        if let Some(differences) = other_settings(&self.experiment, experiment) {
            return Some(format!("it is of other settings ({differences})"));
        }
        match fingerprint(&folder.join(&self.checkpoint)) {
            Err(fault) => return Some(fault),
            Ok(now) if now != self.fingerprint => {
                return Some(format!("{} is another file now", self.checkpoint));
            }
            Ok(_) => {}
        }
        let trained_on = epochs_done.is_some_and(|epochs| epochs != self.epochs);
        trained_on.then(|| "the training has gone on since".into())
    }
}

/// FNV-1a of a file's bytes: tells whether it is the same file, not who made it. The error is a
/// sentence.
pub fn fingerprint(path: &Path) -> Result<String, String> {
    let bytes =
        std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Ok(format!("{hash:016x}"))
}
