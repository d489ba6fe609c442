//! Progress and results of the trainings of the tables.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::atomic_file;
use crate::reproduction::ReproductionError;
use crate::reproduction::plan::Training;
use crate::training::experiment::identity::other_settings;
use crate::training::experiment::{Experiment, Precision};

/// Version of the shape of the JSON and of the fingerprint.
const RESULT_VERSION: u32 = 2;

/// A finished training measured on the test data: `result.json` in its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestResult {
    /// [`TestResult::VERSION`].
    pub v: u32,
    /// Version of the program that measured it.
    pub version: String,
    /// Date of the measurement, as 2022-06-30.
    pub measured_on: String,
    /// Settings of the experiment, except its length.
    pub experiment: String,
    /// File name of the checkpoint.
    pub checkpoint: String,
    /// Its [`fingerprint`] when it was measured.
    pub fingerprint: String,
    /// Trained values of the network.
    pub parameters: usize,
    /// Threshold chosen on validation.
    pub threshold: f32,
    /// Accuracy on validation at that threshold, by the names in the checkpoint.
    pub validation: BTreeMap<String, f64>,
    /// Figures on the test data.
    pub test: TestFigures,
    /// Epochs of the training.
    pub epochs: usize,
    /// The epoch of the checkpoint's weights, counted from 1.
    pub best_epoch: usize,
    /// Whether the training ended because validation no longer improved.
    pub stopped_early: bool,
    /// Training steps.
    pub batches: u64,
    /// Duration of all epochs, validation included.
    pub seconds: f64,
    /// Precision of the training steps.
    pub precision: Precision,
    /// Devices of the epochs, as `cpu, 2 threads`; empty if the log does not have them.
    pub devices: Vec<String>,
    /// Computer of the measurement.
    pub machine: String,
}

/// Figures of all test tracks of the experiment together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFigures {
    /// Number of decisions.
    pub windows: u64,
    /// Over all decisions, each against the threshold.
    pub accuracy: f64,
    /// The same after the centred median of 0.8 s.
    pub accuracy_median: f64,
    /// Accuracy of the constant decision "voice".
    pub always_voice_accuracy: f64,
    /// Area under the ROC curve.
    pub auroc: f64,
    /// 95 % interval of `accuracy`, by bootstrap over tracks.
    pub interval: [f64; 2],
    /// Mean accuracy over tracks.
    pub track_accuracy: f64,
    /// Number of right decisions and of all decisions of each track.
    pub tracks: Vec<[u64; 2]>,
}

/// The progress of a training, or its result.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// There is a valid result.
    Measured(Box<TestResult>),
    /// There is none; the reason, for people.
    Open(String),
}

impl Status {
    /// The status of the training in its folder.
    ///
    /// # Errors
    ///
    /// The experiment is invalid, or the state of the training cannot be read.
    pub fn of(training: &Training) -> Result<Self, ReproductionError> {
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
        let epochs_done = progress.as_ref().map(|p| p.epochs_done);
        match TestResult::read(&training.folder, &training.experiment, epochs_done) {
            Ok(Some(result)) => Ok(Self::Measured(Box::new(result))),
            Ok(None) if progress.is_some() => open("trained, not measured yet"),
            Ok(None) => open("not begun"),
            Err(why) => Ok(Self::Open(format!("its result is stale: {why}"))),
        }
    }
}

/// Why a result is not that of the training in its folder.
#[derive(Debug, thiserror::Error)]
enum StaleResult {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("it is of version {0}, not {RESULT_VERSION}")]
    Version(u32),
    #[error("it is of other settings ({0})")]
    Settings(String),
    #[error(transparent)]
    Checkpoint(#[from] ReproductionError),
    #[error("{0} is another file now")]
    OtherCheckpoint(String),
    #[error("the training has gone on since")]
    Resumed,
}

impl TestResult {
    /// The value of `v`.
    pub const VERSION: u32 = RESULT_VERSION;

    fn path(folder: &Path) -> PathBuf {
        folder.join("result.json")
    }

    /// The result in the folder of a training, if there is one. It must be of this experiment, of the
    /// checkpoint in the folder, and, if known, of this number of epochs.
    fn read(
        folder: &Path,
        experiment: &Experiment,
        epochs_done: Option<usize>,
    ) -> Result<Option<Self>, StaleResult> {
        let text = match std::fs::read_to_string(Self::path(folder)) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let result: Self = serde_json::from_str(&text)?;
        if result.v != RESULT_VERSION {
            return Err(StaleResult::Version(result.v));
        }
        if let Some(differences) = other_settings(&result.experiment, experiment) {
            return Err(StaleResult::Settings(differences));
        }
        if fingerprint(&folder.join(&result.checkpoint))? != result.fingerprint {
            return Err(StaleResult::OtherCheckpoint(result.checkpoint));
        }
        match epochs_done.is_none_or(|epochs| epochs == result.epochs) {
            true => Ok(Some(result)),
            false => Err(StaleResult::Resumed),
        }
    }

    /// Writes the result to the folder of a training. The file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), ReproductionError> {
        let path = Self::path(folder);
        serde_json::to_string_pretty(self)
            .map_err(io::Error::from)
            .and_then(|text| atomic_file::write(&path, text + "\n"))
            .map_err(|reason| ReproductionError::Unwritable { path, reason })
    }
}

/// The SHA-256 of a file in hexadecimal.
///
/// # Errors
///
/// The file cannot be read.
pub fn fingerprint(path: &Path) -> Result<String, ReproductionError> {
    let mut hash = Sha256::new();
    File::open(path)
        .and_then(|mut file| io::copy(&mut file, &mut hash))
        .map_err(|reason| ReproductionError::Unreadable {
            path: path.to_owned(),
            reason,
        })?;
    Ok(format!("{:x}", hash.finalize()))
}
