//! Bi-LSTM: the network of Leglaive, Hennequin & Badeau ("Singing voice detection with deep recurrent
//! neural networks", ICASSP 2015), a reference system of Gui et al. (2022).
//!
//! Input: sequences of 218 frames of 80 values ([`crate::frontend::separated_mel`]). Three bidirectional LSTM layers of
//! 30, 20 and 40 units each way, then a dense output for each frame. The states before a sequence are zero.
//!
//! Differences from the paper:
//! - The output is a softmax over no voice and voice instead of one sigmoid: the same function of the features with 81
//!   more parameters.
//! - Gates have two biases, one for each matrix, as in PyTorch: 720 more parameters.
//! - The initial weights are PyTorch's, and all layers are trained at once.
//!
//! 66 402 parameters.

use tch::{Kind, Tensor};

use crate::model::layers::{Weights, linear};
use crate::model::param_spec::{HEAD, ParamSpecs};

/// Parameters in millions according to table 3 of Gui et al. (2022).
pub(super) const PAPER_PARAMETERS_M: f64 = 0.1;
/// Units of each layer, each way.
const UNITS: [i64; 3] = [30, 20, 40];
/// Values in a frame.
const INPUTS: i64 = 80;
/// In libtorch's order.
const DIRECTIONS: [&str; 2] = ["forward", "backward"];
const PARTS: [&str; 4] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];

fn place(layer: usize, direction: &str) -> String {
    format!("layers.{layer}.{direction}")
}

/// Adds every tensor before the head; returns the number of features that the head receives.
pub(super) fn add_specs(specs: &mut ParamSpecs) -> i64 {
    let mut inputs = INPUTS;
    for (layer, units) in UNITS.into_iter().enumerate() {
        for direction in DIRECTIONS {
            specs.lstm(&place(layer, direction), inputs, units);
        }
        inputs = 2 * units;
    }
    inputs
}

/// The network with its weights.
pub(super) struct BiLstm {
    /// The tensors of each layer, forward and backward.
    layers: Vec<Vec<Tensor>>,
    head: [Tensor; 2],
}

impl BiLstm {
    pub fn new(weights: &Weights) -> Self {
        let layer = |layer: usize| {
            let names = DIRECTIONS.iter().flat_map(|direction| {
                PARTS.map(|part| format!("{}.{part}", place(layer, direction)))
            });
            names.map(|name| weights[&name].shallow_clone()).collect()
        };
        Self {
            layers: (0..UNITS.len()).map(layer).collect(),
            head: linear(weights, HEAD),
        }
    }

    /// Logits, sequences × frames × 2, of sequences × 1 × frames × 80, of any number of frames.
    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = x.squeeze_dim(1).to_kind(Kind::Float);
        let (sequences, device) = (y.size()[0], y.device());
        for (weights, units) in self.layers.iter().zip(UNITS) {
            let zeros = Tensor::zeros([2, sequences, units], (Kind::Float, device));
            let states = [zeros.shallow_clone(), zeros];
            (y, _, _) = y.lstm(&states, weights, true, 1, 0.0, train, true, true);
        }
        y.linear(&self.head[0], Some(&self.head[1]))
    }
}
