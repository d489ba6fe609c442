//! The surroundings of a training: its data, its device and its folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tch::Device;

use crate::corpora::Corpus;
use crate::model::Checkpoint;

/// Everything that a training needs beside its experiment.
pub struct TrainContext<'a> {
    /// Corpora that windows are drawn from.
    pub train: &'a [Corpus],
    /// Corpora that choose the best epoch.
    pub valid: &'a [Corpus],
    /// Device of the training steps and of validation.
    pub device: Device,
    /// Threads that draw windows, at least 1.
    pub loader_threads: usize,
    /// First weights of a new training; `None` for random ones.
    pub start_from: Option<&'a Checkpoint>,
    /// Checkpoint whose outputs the network is trained on beside the labels.
    pub teacher: Option<&'a Checkpoint>,
    /// Folder of the state, the log and the best checkpoint; it must exist.
    pub folder: &'a Path,
    /// Set by Ctrl-C: the training ends after the current batch.
    pub stop: &'a AtomicBool,
}

impl TrainContext<'_> {
    /// Path of a training's state, from which it is resumed.
    #[must_use]
    pub fn state_path(folder: &Path) -> PathBuf {
        folder.join("state.safetensors")
    }

    /// Path of the checkpoint of the best epoch.
    #[must_use]
    pub fn best_path(folder: &Path) -> PathBuf {
        folder.join("best.safetensors")
    }
}
