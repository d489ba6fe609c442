//! The engine: a checkpoint ready for inference on one device.

use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tch::Device;

use crate::frontend::window::lookahead_s;
use crate::frontend::{Features, WINDOW_HOP_SAMPLES, Window, WindowLength};
use crate::inference::compute_device::{ComputeDevice, DeviceError, device_name};
use crate::inference::compute_precision::{ComputePrecision, PrecisionError, WeightPrecision};
use crate::inference::forward_pass::ForwardPass;
use crate::inference::messages::{NotFinite, Row};
use crate::model::{Checkpoint, CheckpointError, CheckpointProblem, Metadata, Normalisation};
use crate::model_shelf::ModelFile;

/// The default checkpoint, compiled into the program.
const BUILT_IN: &[u8] = include_bytes!("../../models/live-wide.safetensors");
/// Most windows in one forward pass; more would only delay the first result.
pub const MAX_BATCH: usize = 16;
/// The first passes choose kernels and fill allocators, so they run before sound comes.
const WARM_UP_PASSES: usize = 3;

/// Why inference is impossible.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The checkpoint file is unreadable or wrong.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The compiled-in checkpoint is wrong.
    #[error("the built-in checkpoint {0}; rebuild the program")]
    BuiltIn(CheckpointProblem),
    /// The device does not exist.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The network cannot be computed in the requested precision.
    #[error(transparent)]
    Precision(#[from] PrecisionError),
    /// The inference thread could not be started, or panicked.
    #[error("{0}")]
    Thread(String),
    /// The network needs whole recordings.
    #[error(
        "the checkpoint {name} separates whole recordings and needs {lookahead_s:.0} s of sound beyond the moment it \
         decides on, so it cannot listen live; label files with `vocald detect`"
    )]
    NotLive {
        /// Name of the checkpoint.
        name: String,
        /// Sound it needs beyond the decided moment, in seconds.
        lookahead_s: f64,
    },
    /// A window has no prediction.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A forward pass failed.
    #[error("inference on {device} failed: {reason}")]
    Inference {
        /// `cpu` or `cuda:N`.
        device: String,
        /// One sentence.
        reason: String,
    },
}

/// Reads the built-in checkpoint.
///
/// # Errors
/// [`EngineError::BuiltIn`] when the program was built with a broken one.
pub fn built_in() -> Result<Checkpoint, EngineError> {
    Checkpoint::from_bytes(BUILT_IN).map_err(EngineError::BuiltIn)
}

/// The checkpoint that a user names; without a name the one inside the program.
///
/// # Errors
///
/// If it cannot be read or used.
pub fn named(file: Option<&ModelFile>) -> Result<Checkpoint, EngineError> {
    match file.and_then(ModelFile::path) {
        Some(path) => Ok(Checkpoint::read(path)?),
        None => built_in(),
    }
}

/// A network on a device. Create and use it on one thread: libtorch's gradient mode and thread settings belong to the
/// thread.
pub struct Engine {
    metadata: Metadata,
    normalisation: Normalisation,
    forward: ForwardPass,
    window: WindowLength,
    device: Device,
    /// Every so many windows one comes.
    every: NonZeroU64,
    /// The normalised windows of the pass under way.
    staging: Box<[f32]>,
}

impl Engine {
    /// Reads the checkpoint at `path`, or the built-in one, and makes it ready ([`Engine::new`]).
    ///
    /// # Errors
    /// When the checkpoint cannot be read, and those of [`Engine::new`].
    pub fn load(
        path: Option<&Path>,
        device: ComputeDevice,
        precision: ComputePrecision,
    ) -> Result<Self, EngineError> {
        let checkpoint = match path {
            Some(path) => Checkpoint::read(path)?,
            None => built_in()?,
        };
        Self::new(checkpoint, device, precision)
    }

    /// Compiles the network for the CPU or moves it to `device`, and warms it up with three passes a member. Sets
    /// libtorch's number of threads to one for the whole process: two are slower for one window, and the other cores
    /// belong to the audio.
    ///
    /// # Errors
    /// [`EngineError::NotLive`] for a network of whole recordings, [`EngineError::Device`] where the device does not
    /// exist, [`EngineError::Precision`] where the precision is not possible, [`EngineError::Inference`] and
    /// [`EngineError::NotFinite`] when a pass fails.
    pub fn new(
        checkpoint: Checkpoint,
        device: ComputeDevice,
        precision: ComputePrecision,
    ) -> Result<Self, EngineError> {
        let window = live_window(&checkpoint)?;
        let device = device.resolve()?;
        tch::set_num_threads(1);
        let forward = ForwardPass::new(&checkpoint, device, precision, MAX_BATCH)?;
        let Checkpoint {
            metadata,
            normalisation,
            ..
        } = checkpoint;
        let mut engine = Self {
            metadata,
            normalisation,
            forward,
            window,
            device,
            every: NonZeroU64::MIN,
            staging: vec![0.0f32; MAX_BATCH * window.values()].into_boxed_slice(),
        };
        let members = engine.metadata.members;
        for number in 0..WARM_UP_PASSES * members {
            engine.infer(&[&silence(window, number as u64)])?;
        }
        Ok(engine)
    }

    /// For streams of which only the windows come whose number is a multiple of `every`: alternating members still
    /// alternate.
    #[must_use]
    pub fn every(self, every: NonZeroU64) -> Self {
        Self { every, ..self }
    }

    /// A second engine with the same weights in memory, for another thread; `None` where libtorch computes.
    #[must_use]
    pub fn share(&self) -> Option<Self> {
        Some(Self {
            metadata: self.metadata.clone(),
            normalisation: self.normalisation.clone(),
            forward: self.forward.share()?,
            window: self.window,
            device: self.device,
            every: self.every,
            staging: self.staging.clone(),
        })
    }

    /// Metadata of the checkpoint.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Length of the network's input.
    pub fn window(&self) -> WindowLength {
        self.window
    }

    /// The precision in use.
    pub fn precision(&self) -> WeightPrecision {
        self.forward.precision()
    }

    /// Name of the device: `cpu` or `cuda:0`.
    pub fn device_name(&self) -> String {
        device_name(self.device)
    }

    /// Probabilities, one row for each window: of voice for each horizon, in the order of the metadata, then likewise of
    /// speech if the checkpoint has that output. Windows must be of [`Engine::window`]'s length. In an alternating
    /// ensemble, a window's number among those of its stream that come chooses the member.
    ///
    /// # Errors
    /// [`EngineError::Inference`] when libtorch fails, [`EngineError::NotFinite`] when a probability is not finite. The
    /// engine stays usable.
    pub fn infer(&mut self, windows: &[&Window]) -> Result<Vec<Vec<f32>>, EngineError> {
        let rows = self.infer_each(windows)?.into_iter();
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// [`Engine::infer`] where a probability that is not finite is an error of its window's row.
    ///
    /// # Errors
    /// [`EngineError::Inference`] when libtorch fails. The engine stays usable.
    pub fn infer_each(&mut self, windows: &[&Window]) -> Result<Vec<Row>, EngineError> {
        let mut rows = Vec::with_capacity(windows.len());
        for batch in windows.chunks(MAX_BATCH) {
            self.stage(batch)?;
            let numbers: Vec<u64> = batch
                .iter()
                .map(|window| window.seq() / self.every)
                .collect();
            rows.extend(self.pass(&numbers)?);
        }
        Ok(rows)
    }

    fn stage(&mut self, batch: &[&Window]) -> Result<(), EngineError> {
        let values = self.window.values();
        for (window, place) in batch.iter().zip(self.staging.chunks_exact_mut(values)) {
            let log_mel = &window.log_mel;
            if log_mel.len() != values {
                let reason = format!("a window has {} values, not {values}", log_mel.len());
                return Err(EngineError::Inference {
                    device: self.device_name(),
                    reason,
                });
            }
            self.normalisation.apply(log_mel, place);
        }
        Ok(())
    }

    fn pass(&mut self, numbers: &[u64]) -> Result<Vec<Row>, EngineError> {
        let device = self.device;
        let failed = |reason: String| EngineError::Inference {
            device: device_name(device),
            reason,
        };
        let windows = &self.staging[..numbers.len() * self.window.values()];
        // tch panics where libtorch throws (a lost GPU, no memory left). A pass does not change the network, so it
        // stays usable.
        let pass = AssertUnwindSafe(|| self.forward.probabilities(windows, numbers));
        let values = catch_unwind(pass).map_err(|panic| failed(panic_text(panic.as_ref())))?;
        let not_finite = self.forward.not_finite();
        let row = |row: &[f32]| match row.iter().all(|p| p.is_finite()) {
            true => Ok(row.to_vec()),
            false => Err(not_finite),
        };
        let outputs = values.len() / numbers.len().max(1);
        Ok(values.chunks_exact(outputs).map(row).collect())
    }
}

/// The windows that a live network needs.
///
/// # Errors
/// [`EngineError::NotLive`] for a network of whole recordings.
pub fn live_window(checkpoint: &Checkpoint) -> Result<WindowLength, EngineError> {
    match checkpoint.architecture.features() {
        Features::Mel(window) => Ok(window),
        Features::SeparatedMel => Err(EngineError::NotLive {
            name: checkpoint.metadata.name.clone(),
            lookahead_s: lookahead_s(checkpoint.metadata.default_horizon_frames),
        }),
    }
}

/// The `number`-th window of a silent stream.
fn silence(length: WindowLength, number: u64) -> Window {
    Window::synthetic(
        number * WINDOW_HOP_SAMPLES as u64,
        vec![0.0; length.values()].into(),
    )
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given");
    text.lines().next().unwrap_or_default().to_owned()
}
