//! SCNN: the network of Schlüter & Grill ("Exploring Data Augmentation for Improved Singing Voice
//! Detection with Neural Networks", ISMIR 2015), which Gui et al. (2022) compare theirs with.
//!
//! 115 frames of 80 bands; 3 × 3 convolutions without padding to 64 and 32 channels, 3 × 3 maxima,
//! 3 × 3 convolutions to 128 and 64 channels, 3 × 3 maxima, dense layers of 256 and 64, and the
//! output. Leaky rectifiers of slope 0.01; half of the inputs of every dense layer are dropped out
//! in training.
//!
//! Where it differs from the paper:
//! - Batch normalisation after every layer but the output, before the rectifier. The code that the
//!   authors published with the paper had none and a bias in its place, 608 parameters fewer; later
//!   versions of it normalise by default, as Lee, Choi & Nam (ISMIR 2018) do.
//! - The output is a softmax over no voice and voice where theirs is one sigmoid, which is the same
//!   function of the features: the sigmoid's logit is the difference of the two. With one horizon
//!   that is 65 parameters more.
//! - It hears our frontend, which is theirs but for the logarithm's floor (1e-5, not 1e-7), and its
//!   first weights are drawn as SE-ResNet's are, not orthogonal.
//!
//! With one horizon: 1 408 898 parameters; as in the paper 1 408 225.

use tch::{Kind, Tensor};

use crate::model::architecture::SlotList;
use crate::model::layers::{Convolution, Dense, Padding, Weights, linear};

/// Parameters as table 3 of Gui et al. (2022) gives them, in millions.
pub(super) const PAPER_PARAMETERS_M: f64 = 1.4;
/// Channels before and after each convolution; maxima are taken after the second and the fourth.
const CHANNELS: [[i64; 2]; 4] = [[1, 64], [64, 32], [32, 128], [128, 64]];
/// Features before and after each dense layer. 115 × 80 is 111 × 76 after two convolutions,
/// 37 × 25 after the maxima, 33 × 21 and 11 × 7 after the second half.
const DENSE: [[i64; 2]; 2] = [[64 * 11 * 7, 256], [256, 64]];
const DROPPED: f64 = 0.5;

/// Adds every tensor before the head, and returns the features that the head sees.
pub(super) fn add_slots(slots: &mut SlotList) -> i64 {
    for (i, [inputs, outputs]) in CHANNELS.into_iter().enumerate() {
        let place = format!("convolutions.{i}");
        slots.convolution(&place, "conv", "norm", [outputs, inputs, 3, 3]);
    }
    let mut features = 0;
    for (i, [inputs, outputs]) in DENSE.into_iter().enumerate() {
        slots.normed_linear(&format!("dense.{i}"), outputs, inputs);
        features = outputs;
    }
    features
}

/// The network, with its weights.
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
            head: linear(weights, "head"),
        }
    }

    /// Logits, windows × (2 horizons), of windows × 1 × 115 × 80.
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
            y = leaky(dense.forward(&y.dropout(DROPPED, train), train));
        }
        y.dropout(DROPPED, train)
            .linear(&self.head[0], Some(&self.head[1]))
    }

    /// The same function with every batch normalisation folded into its layer.
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

/// A rectifier that lets a hundredth of what is negative through.
fn leaky(x: Tensor) -> Tensor {
    // libtorch's own slope is 0.01, and tch has no way to give another.
    x.leaky_relu()
}
