//! SCNN: the network of Schlüter & Grill ("Exploring Data Augmentation for Improved Singing Voice
//! Detection with Neural Networks", ISMIR 2015), a reference system of Gui et al. (2022).
//!
//! Input: 115 frames of 80 bands. 3 × 3 convolutions without padding to 64 and 32 channels, 3 × 3 max pooling, 3 × 3
//! convolutions to 128 and 64 channels, 3 × 3 max pooling, dense layers of 256 and 64, output. Leaky rectifiers of slope
//! 0.01; dropout of 0.5 before every dense layer in training.
//!
//! Differences from the paper:
//! - Batch normalisation after every layer but the output, before the rectifier. The code that the authors published
//!   with the paper has biases instead, 608 parameters fewer; later versions of it normalise by default, as Lee, Choi &
//!   Nam (ISMIR 2018) do.
//! - The output is a softmax over no voice and voice instead of one sigmoid. It is the same function of the features:
//!   the sigmoid's logit is the difference of the two. With one horizon this adds 65 parameters.
//! - The floor of the frontend's logarithm is 1e-5, not 1e-7, and the initial weights are those of SE-ResNet, not
//!   orthogonal.
//!
//! With one horizon it has 1 408 898 parameters, by the paper 1 408 225.

use tch::{Kind, Tensor};

use crate::model::layers::{Convolution, Dense, Padding, Weights, linear};
use crate::model::param_spec::{HEAD, ParamSpecs};

/// Parameters in millions according to table 3 of Gui et al. (2022).
pub(super) const PAPER_PARAMETERS_M: f64 = 1.4;
/// Channels before and after each convolution; pooling follows the second and the fourth.
const CHANNELS: [[i64; 2]; 4] = [[1, 64], [64, 32], [32, 128], [128, 64]];
/// Features before and after each dense layer. The map of 115 × 80 is 111 × 76 after two convolutions, 37 × 25 after
/// pooling, then 33 × 21 and 11 × 7.
const DENSE: [[i64; 2]; 2] = [[64 * 11 * 7, 256], [256, 64]];
const DROPOUT: f64 = 0.5;
/// Number of convolutions.
pub(super) const CONVOLUTIONS: usize = CHANNELS.len();
/// Number of dense layers before the output.
pub(super) const DENSE_LAYERS: usize = DENSE.len();
/// Slope of the rectifiers below 0: libtorch's default, the only one that tch offers.
pub(super) const SLOPE: f32 = 0.01;

/// Adds every tensor before the head; returns the number of features that the head receives.
pub(super) fn add_specs(specs: &mut ParamSpecs) -> i64 {
    for (i, [inputs, outputs]) in CHANNELS.into_iter().enumerate() {
        let place = format!("convolutions.{i}");
        specs.convolution(&place, "conv", "norm", [outputs, inputs, 3, 3]);
    }
    let mut features = 0;
    for (i, [inputs, outputs]) in DENSE.into_iter().enumerate() {
        specs.normed_linear(&format!("dense.{i}"), outputs, inputs);
        features = outputs;
    }
    features
}

/// The network with its weights.
pub(super) struct Scnn {
    convolutions: Vec<Convolution>,
    dense: Vec<Dense>,
    head: [Tensor; 2],
}

impl Scnn {
    pub fn new(weights: &Weights) -> Self {
        let convolution = |i: usize| {
            let part = |part: &str| format!("convolutions.{i}.{part}");
            Convolution::new(weights, &part("conv"), &part("norm"), 1, Padding::Valid)
        };
        let dense = |i: usize| {
            let part = |part: &str| format!("dense.{i}.{part}");
            Dense::new(weights, &part("linear"), &part("norm"))
        };
        Self {
            convolutions: (0..CHANNELS.len()).map(convolution).collect(),
            dense: (0..DENSE.len()).map(dense).collect(),
            head: linear(weights, HEAD),
        }
    }

    /// Logits, windows × (2 outputs), of windows × 1 × 115 × 80.
    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = x.shallow_clone();
        for pair in self.convolutions.chunks_exact(2) {
            for convolution in pair {
                y = leaky(convolution.forward(&y, train));
            }
            y = y.max_pool2d([3, 3], [3, 3], [0, 0], [1, 1], false);
        }
        y = y.flatten(1, -1).to_kind(Kind::Float);
        for dense in &self.dense {
            y = leaky(dense.forward(&y.dropout(DROPOUT, train), train));
        }
        y.dropout(DROPOUT, train)
            .linear(&self.head[0], Some(&self.head[1]))
    }

    /// The same function with every batch normalisation folded into its layer, for inference.
    pub fn fold(self) -> Self {
        let convolutions = self.convolutions.into_iter();
        let dense = self.dense.into_iter();
        Self {
            convolutions: convolutions.map(Convolution::fold).collect(),
            dense: dense.map(Dense::fold).collect(),
            ..self
        }
    }
}

/// A leaky rectifier of slope [`SLOPE`].
fn leaky(x: Tensor) -> Tensor {
    x.leaky_relu()
}
