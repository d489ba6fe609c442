//! Inference for networks that need whole recordings (Bi-LSTM on separated sound).

use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::Device;

use crate::frontend::window::frame_time_s;
use crate::frontend::{FRAME_SAMPLES, Features, HOP_SAMPLES, WINDOW_HOP_FRAMES};
use crate::inference::compute_device::{ComputeDevice, device_name};
use crate::inference::engine::{EngineError, panic_text};
use crate::inference::messages::NotFinite;
use crate::inference::sequences::{at_time, frame_probabilities};
use crate::model::{Checkpoint, Network, Normalisation};

/// A prediction for one moment of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Seconds from the start of the recording.
    pub t_s: f64,
    /// Probability of voice.
    pub p: f32,
}

/// A network on a device, for the features of [`crate::frontend::SeparatedMel`].
pub struct OfflineScorer {
    network: Network,
    normalisation: Normalisation,
    device: Device,
}

impl OfflineScorer {
    /// Moves the network to `device`. The input of `checkpoint` must be [`Features::SeparatedMel`].
    ///
    /// # Errors
    /// [`EngineError::Device`] where the device does not exist.
    pub fn new(checkpoint: &Checkpoint, device: ComputeDevice) -> Result<Self, EngineError> {
        debug_assert_eq!(checkpoint.architecture.features(), Features::SeparatedMel);
        let device = device.resolve()?;
        Ok(Self {
            network: checkpoint.network(device),
            normalisation: checkpoint.normalisation.clone(),
            device,
        })
    }

    /// The probability of voice every 71.43 ms, from the middle of the first 46 ms on. `energies` are the mel energies
    /// of the recording (frames × 80), `samples` its length at 22 050 Hz.
    ///
    /// # Errors
    /// [`EngineError::Inference`] when libtorch fails, [`EngineError::NotFinite`] when a probability is not finite.
    pub fn score(
        &mut self,
        energies: &[f32],
        samples: usize,
    ) -> Result<Vec<Prediction>, EngineError> {
        let failed = |reason: String| EngineError::Inference {
            device: device_name(self.device),
            reason,
        };
        tch::set_num_threads(1);
        // tch panics where libtorch throws; a pass does not change the network.
        let p = catch_unwind(AssertUnwindSafe(|| {
            tch::no_grad(|| {
                frame_probabilities(&self.network, &self.normalisation, energies, self.device)
            })
        }))
        .map_err(|panic| failed(panic_text(panic.as_ref())))?;
        if p.iter().any(|p| !p.is_finite()) {
            return Err(NotFinite::Network.into());
        }
        let frames = samples
            .checked_sub(FRAME_SAMPLES)
            .map_or(0, |rest| rest / HOP_SAMPLES + 1);
        let times = (0..frames).step_by(WINDOW_HOP_FRAMES).map(frame_time_s);
        Ok(times
            .map(|t_s| Prediction {
                t_s,
                p: at_time(&p, t_s),
            })
            .collect())
    }
}
