//! A forward pass on any processor: by a network compiled for the CPU where there is one, else by libtorch.

use tch::{Device, Kind, Tensor};

use crate::inference::compute_precision::{ComputePrecision, WeightPrecision};
use crate::inference::precision_choice::choose;
use crate::model::compiled::{Compiled, InstructionSet};
use crate::model::layers::channels_last;
use crate::model::{Checkpoint, Network, float_values};

/// A network on a processor. Use it on one thread: libtorch's gradient mode and thread settings belong to the thread.
pub struct ForwardPass {
    backend: Backend,
    precision: WeightPrecision,
}

enum Backend {
    Compiled(Box<Compiled>),
    Libtorch { network: Network, device: Device },
}

impl ForwardPass {
    /// Makes the network of a checkpoint ready for `windows` windows at once. Float16 counts as `Auto` on a processor
    /// without it.
    #[must_use]
    pub fn new(
        checkpoint: &Checkpoint,
        device: Device,
        precision: ComputePrecision,
        windows: usize,
    ) -> Self {
        let set = InstructionSet::detect().filter(|_| device == Device::Cpu);
        let compiled = set.and_then(|set| Compiled::new(checkpoint, set, windows));
        let Some(compiled) = compiled else {
            return Self {
                backend: Backend::Libtorch {
                    network: checkpoint.network(device),
                    device,
                },
                precision: match precision {
                    ComputePrecision::Float16 => WeightPrecision::Float16,
                    ComputePrecision::Bfloat16 => WeightPrecision::Bfloat16,
                    ComputePrecision::Auto | ComputePrecision::Float32 => WeightPrecision::Float32,
                },
            };
        };
        let (compiled, precision) = match precision {
            ComputePrecision::Float32 => (compiled, WeightPrecision::Float32),
            ComputePrecision::Bfloat16 => (compiled.bfloat16(), WeightPrecision::Bfloat16),
            ComputePrecision::Float16 => match compiled.clone().float16() {
                Some(compiled) => (compiled, WeightPrecision::Float16),
                None => choose(checkpoint, compiled),
            },
            ComputePrecision::Auto => choose(checkpoint, compiled),
        };
        Self {
            backend: Backend::Compiled(Box::new(compiled)),
            precision,
        }
    }

    /// A second pass over the same weights, for another thread; `None` where libtorch computes.
    #[must_use]
    pub fn share(&self) -> Option<Self> {
        match &self.backend {
            Backend::Compiled(compiled) => Some(Self {
                backend: Backend::Compiled(compiled.clone()),
                precision: self.precision,
            }),
            Backend::Libtorch { .. } => None,
        }
    }

    /// The precision in use.
    #[must_use]
    pub fn precision(&self) -> WeightPrecision {
        self.precision
    }

    /// Probabilities, windows × outputs of the architecture, of normalised windows, windows × frames × 80. `numbers` holds the
    /// number of each window in its stream, which chooses the member of an alternating ensemble.
    ///
    /// # Panics
    ///
    /// libtorch fails: a lost GPU, no memory left.
    pub fn probabilities(&mut self, windows: &[f32], numbers: &[u64]) -> Vec<f32> {
        match &mut self.backend {
            Backend::Compiled(network) => network.probabilities(windows, numbers),
            Backend::Libtorch { network, device } => tch::no_grad(|| {
                let shape = network.input_shape(numbers.len());
                let input = Tensor::from_slice(windows)
                    .reshape(shape)
                    .to_device(*device);
                let input = match (&device, self.precision) {
                    (Device::Cpu, WeightPrecision::Float32) => channels_last(&input),
                    (_, WeightPrecision::Float32) => input,
                    (_, WeightPrecision::Bfloat16) => channels_last(&input.to_kind(Kind::BFloat16)),
                    (_, WeightPrecision::Float16) => channels_last(&input.to_kind(Kind::Half)),
                };
                float_values(&network.probabilities_of_stream(&input, numbers))
            }),
        }
    }
}
