//! The network of an [`Architecture`], with its weights.

use std::collections::BTreeMap;

use tch::{Device, IndexOp, Kind, Tensor};

use super::architecture::{Architecture, Role, Slot};

const NORM_EPSILON: f64 = 1e-5;
const NORM_MOMENTUM: f64 = 0.1;

/// The tensors of a network by name: what a checkpoint stores and the optimiser moves.
pub type Weights = BTreeMap<String, Tensor>;

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

/// The same values, stored channel after channel for each place of the map: the order in which
/// libtorch's CPU convolutions run fastest.
pub fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// What follows a convolution.
enum Affine {
    /// Batch normalisation: scale, shift, running mean and variance.
    Norm([Tensor; 4]),
    /// Batch normalisation folded into the convolution: only a bias is left.
    Folded(Tensor),
}

struct Convolution {
    weight: Tensor,
    affine: Affine,
    stride: i64,
}

impl Convolution {
    fn new(weights: &Weights, conv: &str, norm: &str, stride: i64) -> Self {
        let norm = ["weight", "bias", "running_mean", "running_var"]
            .map(|part| weights[&format!("{norm}.{part}")].shallow_clone());
        let weight = weights[&format!("{conv}.weight")].shallow_clone();
        Self {
            weight,
            affine: Affine::Norm(norm),
            stride,
        }
    }

    fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        // "Same" padding for the odd kernels used here.
        let padding = self.weight.size()[2] / 2;
        let weight = self.weight.to_kind(x.kind());
        let bias = match &self.affine {
            Affine::Norm(_) => None,
            Affine::Folded(bias) => Some(bias),
        };
        let (stride, padding) = ([self.stride; 2], [padding; 2]);
        let y = x.conv2d(&weight, bias, stride, padding, [1, 1], 1);
        match &self.affine {
            Affine::Folded(_) => y,
            Affine::Norm([scale, shift, mean, variance]) => y.batch_norm(
                Some(scale),
                Some(shift),
                Some(mean),
                Some(variance),
                train,
                NORM_MOMENTUM,
                NORM_EPSILON,
                true,
            ),
        }
    }

    /// The same function with the normalisation inside the weights.
    fn fold(self) -> Self {
        let Affine::Norm([scale, shift, mean, variance]) = &self.affine else {
            return self;
        };
        let factor = scale / (variance + NORM_EPSILON).sqrt();
        let weight = channels_last(&(&self.weight * factor.reshape([-1, 1, 1, 1])));
        Self {
            weight,
            affine: Affine::Folded(shift - mean * factor),
            stride: self.stride,
        }
    }
}

/// Squeeze-and-excitation: a gate for each channel from the mean over its map.
struct Excitation {
    reduce: [Tensor; 2],
    expand: [Tensor; 2],
}

impl Excitation {
    fn new(weights: &Weights, block: &str) -> Self {
        let linear = |layer: &str| {
            ["weight", "bias"].map(|p| weights[&format!("{block}.se.{layer}.{p}")].shallow_clone())
        };
        Self {
            reduce: linear("reduce"),
            expand: linear("expand"),
        }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let squeezed = x.mean_dim([2i64, 3].as_slice(), false, Kind::Float);
        let narrow = squeezed
            .linear(&self.reduce[0], Some(&self.reduce[1]))
            .relu();
        let gate = narrow
            .linear(&self.expand[0], Some(&self.expand[1]))
            .sigmoid();
        x * gate.to_kind(x.kind()).unsqueeze(-1).unsqueeze(-1)
    }
}

struct Block {
    convolutions: Vec<Convolution>,
    excitation: Excitation,
    down: Option<Convolution>,
}

impl Block {
    fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = x.shallow_clone();
        for (i, convolution) in self.convolutions.iter().enumerate() {
            if i > 0 {
                y = y.relu_();
            }
            y = convolution.forward(&y, train);
        }
        let y = self.excitation.forward(&y);
        let shortcut = match &self.down {
            Some(down) => down.forward(x, train),
            None => x.shallow_clone(),
        };
        (y + shortcut).relu_()
    }
}

/// The network. It shares its tensors with the [`Weights`] it was made from.
pub struct SeResNet {
    stem: Convolution,
    blocks: Vec<Block>,
    head: [Tensor; 2],
    horizons: i64,
}

impl SeResNet {
    /// `weights` must hold every slot of the architecture, as a read checkpoint and
    /// [`initial_weights`] do.
    pub fn new(architecture: Architecture, weights: &Weights) -> Self {
        let plans = architecture.block_plans();
        let blocks = plans.iter().map(|plan| {
            let name = &plan.name;
            let convolution = |i: usize| {
                let (conv, norm) = (
                    format!("{name}.conv{}", i + 1),
                    format!("{name}.norm{}", i + 1),
                );
                Convolution::new(weights, &conv, &norm, plan.strides()[i])
            };
            let down = (format!("{name}.down.conv"), format!("{name}.down.norm"));
            Block {
                convolutions: (0..plan.convolutions().len()).map(convolution).collect(),
                excitation: Excitation::new(weights, name),
                down: plan
                    .changes_shape()
                    .then(|| Convolution::new(weights, &down.0, &down.1, plan.stride)),
            }
        });
        Self {
            stem: Convolution::new(weights, "stem.conv", "stem.norm", 2),
            blocks: blocks.collect(),
            head: ["head.weight", "head.bias"].map(|name| weights[name].shallow_clone()),
            horizons: architecture.horizons as i64,
        }
    }

    /// Logits, windows × horizons × 2, of windows × 1 × 80 × 80. In training the normalisation
    /// uses the batch and updates its running statistics. `x` may be bfloat16; the logits are float.
    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = self.stem.forward(x, train).relu_();
        y = y.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        for block in &self.blocks {
            y = block.forward(&y, train);
        }
        let features = y.mean_dim([2i64, 3].as_slice(), false, Kind::Float);
        let logits = features.linear(&self.head[0], Some(&self.head[1]));
        logits.reshape([-1, self.horizons, 2])
    }

    /// Probability of voice, windows × horizons.
    pub fn probabilities(&self, x: &Tensor) -> Tensor {
        self.forward(x, false)
            .softmax(-1, Kind::Float)
            .i((.., .., 1))
    }

    /// The same function with every batch normalisation folded into its convolution.
    pub fn fold(self) -> Self {
        let fold_block = |block: Block| Block {
            convolutions: block
                .convolutions
                .into_iter()
                .map(Convolution::fold)
                .collect(),
            excitation: block.excitation,
            down: block.down.map(Convolution::fold),
        };
        Self {
            stem: self.stem.fold(),
            blocks: self.blocks.into_iter().map(fold_block).collect(),
            ..self
        }
    }
}
