//! The output for speech as a part of a checkpoint: added to one, and trained behind a finished network, whose other
//! outputs stay as they are.

use tch::{Kind, Tensor};

use crate::decision::{OperatingPoint, SpeechOutput};
use crate::model::architecture::member_prefix;
use crate::model::{Checkpoint, HEAD, MetadataError};

impl Checkpoint {
    /// The checkpoint with or without the output for speech.
    ///
    /// The weights of a new output are zero, so that nothing is known of speech before it is trained. Everything else
    /// stays.
    ///
    /// # Errors
    /// If the network cannot have this output.
    pub fn with_speech(mut self, speech: bool) -> Result<Self, MetadataError> {
        if self.architecture.speech == speech {
            return Ok(self);
        }
        let horizons = self.architecture.horizons;
        self.metadata.speech = speech.then(|| SpeechOutput {
            operating_points: vec![OperatingPoint::around(0.5); horizons],
            suppression: None,
        });
        self.architecture = self.metadata.validate()?;
        for spec in self.architecture.param_specs() {
            if let Some(weight) = self.weights.get_mut(&spec.name)
                && spec.is_of_head()
            {
                let voice = weight.narrow(0, 0, 2 * horizons as i64);
                *weight = match speech {
                    true => Tensor::cat(&[&voice, &voice.zeros_like()], 0),
                    false => voice.copy(),
                };
            }
        }
        Ok(self)
    }

    /// Multiplies the weights of the output for speech of a single network.
    pub(super) fn scale_speech(&mut self, factor: f64) {
        let rows = 2 * self.architecture.horizons as i64;
        for part in ["weight", "bias"] {
            if let Some(weight) = self.weights.get_mut(&format!("{HEAD}.{part}")) {
                let speech = weight.narrow(0, rows, rows) * factor;
                *weight = Tensor::cat(&[weight.narrow(0, 0, rows), speech], 0);
            }
        }
    }

    /// Takes over the output for speech of `trained`, a single network that began as the member `number`. Its weights
    /// are rounded to 16-bit floats, so that a file of such floats stays one.
    pub(super) fn take_speech_of(&mut self, number: usize, trained: &Self) {
        let prefix = match self.architecture.members {
            1 => String::new(),
            _ => member_prefix(number),
        };
        let rows = 2 * self.architecture.horizons as i64;
        for part in ["weight", "bias"] {
            let name = format!("{HEAD}.{part}");
            let (Some(new), Some(own)) = (
                trained.weights.get(&name),
                self.weights.get_mut(&format!("{prefix}{name}")),
            ) else {
                continue;
            };
            let mut speech = new.narrow(0, rows, rows);
            if speech.dim() > 1 {
                speech = speech.to_kind(Kind::Half).to_kind(Kind::Float);
            }
            *own = Tensor::cat(&[own.narrow(0, 0, rows), speech], 0);
        }
    }
}
