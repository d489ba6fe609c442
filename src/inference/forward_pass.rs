//! A forward pass on any processor: by a network compiled for the CPU where there is one, else by libtorch.

use tch::{Device, Kind, Tensor};

use crate::inference::compute_precision::{ComputePrecision, PrecisionError, WeightPrecision};
use crate::inference::messages::NotFinite;
use crate::inference::precision_choice::choose;
use crate::inference::wide_pass::WidePass;
use crate::model::compiled::{Compiled, InstructionSet};
use crate::model::layers::channels_last;
use crate::model::{Checkpoint, Network, float_values};

/// A network on a processor. Use it on one thread: libtorch's gradient mode and thread settings belong to the thread.
pub struct ForwardPass {
    backend: Backend,
    precision: WeightPrecision,
}

enum Backend {
    Compiled {
        network: Box<Compiled>,
        /// Where `auto` took float16.
        wide: Option<WidePass>,
    },
    Libtorch {
        network: Network,
        device: Device,
    },
}

impl ForwardPass {
    /// Makes the network of a checkpoint ready for `windows` windows at once.
    ///
    /// # Errors
    /// The network cannot be computed in this precision on `device`.
    pub fn new(
        checkpoint: &Checkpoint,
        device: Device,
        precision: ComputePrecision,
        windows: usize,
    ) -> Result<Self, PrecisionError> {
        precision.check(device)?;
        let set = InstructionSet::detect().filter(|_| device == Device::Cpu);
        let compiled = set.and_then(|set| Compiled::new(checkpoint, set, windows));
        let Some(compiled) = compiled else {
            return Ok(Self {
                backend: Backend::Libtorch {
                    network: checkpoint.network(device),
                    device,
                },
                precision: match precision {
                    ComputePrecision::Float16 => WeightPrecision::Float16,
                    ComputePrecision::Bfloat16 => WeightPrecision::Bfloat16,
                    ComputePrecision::Auto | ComputePrecision::Float32 => WeightPrecision::Float32,
                },
            });
        };
        let (compiled, used) = match precision {
            ComputePrecision::Float32 => (compiled, WeightPrecision::Float32),
            ComputePrecision::Bfloat16 => (compiled.bfloat16(), WeightPrecision::Bfloat16),
            ComputePrecision::Float16 => {
                let compiled = compiled.float16().ok_or(PrecisionError::LargeWeight)?;
                (compiled, WeightPrecision::Float16)
            }
            ComputePrecision::Auto => choose(checkpoint, compiled),
        };
        let is_auto = precision == ComputePrecision::Auto;
        let wide = (is_auto && used == WeightPrecision::Float16).then(WidePass::default);
        Ok(Self {
            backend: Backend::Compiled {
                network: Box::new(compiled),
                wide,
            },
            precision: used,
        })
    }

    /// A second pass over the same weights, for another thread; `None` where libtorch computes.
    #[must_use]
    pub fn share(&self) -> Option<Self> {
        match &self.backend {
            Backend::Compiled { network, wide } => Some(Self {
                backend: Backend::Compiled {
                    network: network.clone(),
                    wide: wide.clone(),
                },
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

    /// Why a probability that is not finite is not: in float16 without a repetition in 32 bits, most likely for the
    /// precision.
    pub fn not_finite(&self) -> NotFinite {
        let is_repeated = matches!(self.backend, Backend::Compiled { wide: Some(_), .. });
        match self.precision {
            WeightPrecision::Float16 if !is_repeated => NotFinite::Float16,
            _ => NotFinite::Network,
        }
    }

    /// Probabilities, windows × outputs of the architecture, of normalised windows, windows × frames × 80. `numbers` holds the
    /// number of each window in its stream, which chooses the member of an alternating ensemble. NaN where a number is too
    /// large for the precision; where `auto` took float16, such windows are computed in 32 bits.
    ///
    /// # Panics
    ///
    /// libtorch fails: a lost GPU, no memory left.
    pub fn probabilities(&mut self, windows: &[f32], numbers: &[u64]) -> Vec<f32> {
        match &mut self.backend {
            Backend::Compiled { network, wide } => {
                let mut probabilities = network.probabilities(windows, numbers);
                if let Some(wide) = wide
                    && probabilities.iter().any(|p| !p.is_finite())
                {
                    wide.repeat(network, windows, numbers, &mut probabilities);
                }
                probabilities
            }
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
