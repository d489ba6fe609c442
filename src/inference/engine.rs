//! A checkpoint made ready for one device: CPU or CUDA.

use std::path::Path;

use crate::frontend::WINDOW_VALUES;
use crate::model::{Checkpoint, CheckpointError, Metadata};

/// Where inference runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// CUDA when there is one, the CPU otherwise.
    #[default]
    Auto,
    Cpu,
    /// The CUDA device of this index; an error where there is none.
    Cuda(usize),
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("{0}")]
    Device(String),
    #[error("inference failed: {0}")]
    Inference(String),
}

pub struct Engine {
    metadata: Metadata,
}

impl Engine {
    /// Loads a checkpoint, or the built-in one where no path is given, and warms it up.
    pub fn load(path: Option<&Path>, device: DeviceChoice) -> Result<Self, EngineError> {
        todo!()
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The device it runs on, for people: `cpu` or `cuda:0`.
    pub fn device_name(&self) -> String {
        todo!()
    }

    /// The probability of voice for every window (each `WINDOW_VALUES` values) and horizon:
    /// `windows.len()` rows of `metadata().horizons_frames.len()`.
    pub fn infer(&mut self, windows: &[&[f32]]) -> Result<Vec<Vec<f32>>, EngineError> {
        debug_assert!(windows.iter().all(|w| w.len() == WINDOW_VALUES));
        todo!()
    }
}
