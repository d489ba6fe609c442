//! A checkpoint that sees whole recordings, made ready for one device.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::Device;

use crate::frontend::window::frame_time_s;
use crate::frontend::{FRAME_SAMPLES, Features, HOP_SAMPLES, WINDOW_HOP_FRAMES};
use crate::inference::engine::{EngineError, panic_text};
use crate::inference::sequences::{at_time, frame_probabilities};
use crate::inference::{ComputeDevice, device_name};
use crate::model::{Checkpoint, Network, Normalisation};

/// An answer for a moment of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Seconds from the start of the recording.
    pub t_s: f64,
    /// Probability of voice.
    pub p: f32,
}

/// A network, for what [`crate::frontend::SeparatedMel`] makes of a recording.
pub struct OfflineScorer {
    network: Network,
    normalisation: Normalisation,
    device: Device,
}

impl OfflineScorer {
    /// `checkpoint` must look at [`Features::SeparatedMel`].
    pub fn new(checkpoint: &Checkpoint, device: ComputeDevice) -> Result<Self, EngineError> {
        debug_assert_eq!(checkpoint.architecture.features(), Features::SeparatedMel);
        let device = device.resolve().map_err(EngineError::Device)?;
        Ok(Self {
            network: checkpoint.network(device),
            normalisation: checkpoint.normalisation.clone(),
            device,
        })
    }

    /// Mel energies of a recording (frames × 80) to the probability of voice on the
    /// common grid: every 71.43 ms, from the middle of the first 46 ms on. `samples`: the
    /// recording's length at 22 050 Hz, which says how many answers there are.
    pub fn score(&mut self, energies: &[f32], samples: usize) -> Result<Vec<Answer>, EngineError> {
        let failed = |fault: String| EngineError::Inference {
            device: device_name(self.device),
            fault,
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
            return Err(failed(
                "the network answered with a number that is not finite".into(),
            ));
        }
        let frames = samples
            .checked_sub(FRAME_SAMPLES)
            .map_or(0, |rest| rest / HOP_SAMPLES + 1);
        let times = (0..frames).step_by(WINDOW_HOP_FRAMES).map(frame_time_s);
        Ok(times
            .map(|t_s| Answer {
                t_s,
                p: at_time(&p, t_s),
            })
            .collect())
    }
}
