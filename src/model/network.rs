//! The network of an [`Architecture`], whichever that is, with its weights.

use tch::{Device, IndexOp, Kind, Tensor};

use super::architecture::{Architecture, Family, Role, Slot};
use super::layers::Weights;
use super::scnn::Scnn;
use super::se_resnet::SeResNet;
use crate::frontend::{MEL_BANDS, WindowLength};

/// First values of a network that is to be trained: He's normal initialisation for what
/// precedes a rectifier, zero for biases, one for scales. libtorch's seed decides the draw.
pub fn initial_weights(architecture: Architecture) -> Weights {
    let options = (Kind::Float, Device::Cpu);
    let value = |slot: &Slot| match slot.role {
        Role::Convolution | Role::Linear => {
            // Fan-out for convolutions keeps the gradient's size through the depth (He et al. 2015).
            let fan: i64 = match slot.role {
                Role::Convolution => slot.shape[0] * slot.shape[2] * slot.shape[3],
                _ => slot.shape[1],
            };
            Tensor::randn(&slot.shape, options) * (2.0 / fan as f64).sqrt()
        }
        Role::Bias | Role::NormMean => Tensor::zeros(&slot.shape, options),
        Role::NormWeight | Role::NormVariance => Tensor::ones(&slot.shape, options),
    };
    architecture
        .slots()
        .iter()
        .map(|slot| (slot.name.clone(), value(slot)))
        .collect()
}

/// A network. It shares its tensors with the [`Weights`] it was made from.
pub struct Network {
    architecture: Architecture,
    body: Body,
}

enum Body {
    SeResNet(SeResNet),
    Scnn(Scnn),
}

impl Network {
    /// `weights` must hold every slot of the architecture, as a read checkpoint and
    /// [`initial_weights`] do.
    pub fn new(architecture: Architecture, weights: &Weights) -> Self {
        let body = match architecture.family {
            Family::SeResNet(depth) => Body::SeResNet(SeResNet::new(depth, weights)),
            Family::Scnn => Body::Scnn(Scnn::new(weights)),
        };
        Self { architecture, body }
    }

    /// What it looks at.
    pub fn window(&self) -> WindowLength {
        self.architecture.window()
    }

    /// The shape of its input, for so many windows.
    pub fn input_shape(&self, windows: usize) -> [i64; 4] {
        let frames = self.window().frames() as i64;
        [windows as i64, 1, frames, MEL_BANDS as i64]
    }

    /// Logits, windows × horizons × 2, of an input of [`Network::input_shape`]. In training the
    /// normalisation uses the batch and updates its running statistics, and what is dropped out is
    /// drawn by libtorch's generator. `x` may be bfloat16; the logits are float.
    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let logits = match &self.body {
            Body::SeResNet(network) => network.forward(x, train),
            Body::Scnn(network) => network.forward(x, train),
        };
        logits.reshape([-1, self.architecture.horizons as i64, 2])
    }

    /// Probability of voice, windows × horizons.
    pub fn probabilities(&self, x: &Tensor) -> Tensor {
        self.forward(x, false)
            .softmax(-1, Kind::Float)
            .i((.., .., 1))
    }

    /// The same function with every batch normalisation folded into its layer.
    pub fn fold(self) -> Self {
        let body = match self.body {
            Body::SeResNet(network) => Body::SeResNet(network.fold()),
            Body::Scnn(network) => Body::Scnn(network.fold()),
        };
        Self { body, ..self }
    }
}
