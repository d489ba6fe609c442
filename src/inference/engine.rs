//! A checkpoint made ready for one device.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::frontend::window::lookahead_s;
use crate::frontend::{Features, MEL_BANDS, WINDOW_HOP_SAMPLES, Window, WindowLength};
use crate::inference::{ComputeDevice, device_name};
use crate::model::checkpoint::float_values;
use crate::model::layers::channels_last;
use crate::model::{Checkpoint, CheckpointError, Metadata, Network, Normalisation};

/// The checkpoint that is used unless another is named, inside the program itself.
const BUILT_IN: &[u8] = include_bytes!("../../models/live-pair.safetensors");
/// Windows in one forward pass at most; more only waits longer for the first result.
pub const MAX_BATCH: usize = 16;
/// The first passes choose kernels and fill allocators; they are not for a listener to wait for.
const WARM_UP_PASSES: usize = 3;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("the checkpoint inside this program {0}; build it anew")]
    BuiltIn(String),
    #[error("{0}")]
    Device(String),
    #[error(
        "the checkpoint {0} separates whole recordings and hears {1:.0} s beyond the moment it speaks of, \
         so it cannot listen live; label files with `vocald detect`"
    )]
    NotLive(String, f64),
    #[error("inference on {device} failed: {fault}")]
    Inference { device: String, fault: String },
}

/// The built-in checkpoint.
pub fn built_in() -> Result<Checkpoint, EngineError> {
    Checkpoint::from_bytes(BUILT_IN).map_err(EngineError::BuiltIn)
}

/// A network on a device. Build it on the thread that uses it, and keep it there: libtorch's
/// gradient mode and thread settings belong to the thread.
pub struct Engine {
    metadata: Metadata,
    normalisation: Normalisation,
    network: Network,
    window: WindowLength,
    device: Device,
    /// The normalised windows of the pass under way. `input` looks into this very memory.
    staging: Box<[f32]>,
    input: Tensor,
}

impl Engine {
    /// Reads a checkpoint, or takes the built-in one where no path is given, folds its batch
    /// normalisation, and warms the network up.
    pub fn load(path: Option<&Path>, device: ComputeDevice) -> Result<Self, EngineError> {
        let checkpoint = match path {
            Some(path) => Checkpoint::read(path)?,
            None => built_in()?,
        };
        Self::new(checkpoint, device)
    }

    /// Makes a checkpoint that looks at windows ready for a device.
    pub fn new(checkpoint: Checkpoint, device: ComputeDevice) -> Result<Self, EngineError> {
        let window = match checkpoint.architecture.features() {
            Features::Mel(window) => window,
            Features::SeparatedMel => {
                let Metadata {
                    name,
                    default_horizon_frames,
                    ..
                } = checkpoint.metadata;
                return Err(EngineError::NotLive(
                    name,
                    lookahead_s(default_horizon_frames),
                ));
            }
        };
        let device = device.resolve().map_err(EngineError::Device)?;
        // One thread: two are slower for one window, and the other cores belong to the audio.
        tch::set_num_threads(1);
        let network = checkpoint.network(device);
        let Checkpoint {
            metadata,
            normalisation,
            ..
        } = checkpoint;
        let mut staging = vec![0.0f32; MAX_BATCH * window.values()].into_boxed_slice();
        let shape = network.input_shape(MAX_BATCH);
        let values = window.values() as i64;
        // SAFETY: the memory is owned by the engine beside the tensor, never moves (it is boxed)
        // and is freed after it; `input` never leaves the engine.
        let input = unsafe {
            Tensor::from_blob(
                staging.as_mut_ptr().cast(),
                &shape,
                &[values, values, MEL_BANDS as i64, 1],
                Kind::Float,
                Device::Cpu,
            )
        };
        let mut engine = Self {
            metadata,
            normalisation,
            network,
            window,
            device,
            staging,
            input,
        };
        let members = engine.metadata.members;
        for number in 0..WARM_UP_PASSES * members {
            engine.infer(&[&silence(window, number as u64)])?;
        }
        Ok(engine)
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What the network looks at: the windows to give to it.
    pub fn window(&self) -> WindowLength {
        self.window
    }

    /// The device it runs on, for people: `cpu` or `cuda:0`.
    pub fn device_name(&self) -> String {
        device_name(self.device)
    }

    /// The probability of voice for every window (of [`Engine::window`]'s length) and
    /// horizon: a row a window, a value a horizon in the order of the metadata. Where members take turns, a window's
    /// number in its stream says whose it is.
    pub fn infer(&mut self, windows: &[&Window]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut rows = Vec::with_capacity(windows.len());
        for batch in windows.chunks(MAX_BATCH) {
            self.stage(batch)?;
            let numbers: Vec<u64> = batch.iter().map(|window| window.seq()).collect();
            rows.extend(self.pass(&numbers)?);
        }
        Ok(rows)
    }

    fn stage(&mut self, batch: &[&Window]) -> Result<(), EngineError> {
        let values = self.window.values();
        for (window, place) in batch.iter().zip(self.staging.chunks_exact_mut(values)) {
            let log_mel = &window.log_mel;
            if log_mel.len() != values {
                let fault = format!("a window has {} values, not {values}", log_mel.len());
                return Err(EngineError::Inference {
                    device: self.device_name(),
                    fault,
                });
            }
            self.normalisation.apply(log_mel, place);
        }
        Ok(())
    }

    fn pass(&self, numbers: &[u64]) -> Result<Vec<Vec<f32>>, EngineError> {
        let failed = |fault: String| EngineError::Inference {
            device: self.device_name(),
            fault,
        };
        // tch panics where libtorch throws (a lost GPU, no memory left). The network is not
        // changed by a pass, so it stays usable after one that failed.
        let values = catch_unwind(AssertUnwindSafe(|| {
            tch::no_grad(|| {
                let input = self.input.narrow(0, 0, numbers.len() as i64);
                let input = match self.device {
                    Device::Cpu => channels_last(&input),
                    device => input.to_device(device),
                };
                float_values(&self.network.probabilities_of_stream(&input, numbers))
            })
        }))
        .map_err(|panic| failed(panic_text(panic.as_ref())))?;
        if values.iter().any(|p| !p.is_finite()) {
            return Err(failed(
                "the network answered with a number that is not finite".into(),
            ));
        }
        let horizons = self.metadata.horizons_frames.len();
        Ok(values.chunks_exact(horizons).map(<[f32]>::to_vec).collect())
    }
}

/// A window of a stream with nothing in it.
fn silence(length: WindowLength, number: u64) -> Window {
    Window {
        start_sample: number * WINDOW_HOP_SAMPLES as u64,
        log_mel: vec![0.0; length.values()].into(),
    }
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given");
    text.lines().next().unwrap_or_default().to_owned()
}
