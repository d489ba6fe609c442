//! SE-ResNet of a given [`Depth`] (Gui et al. 2022).

use tch::{Kind, Tensor};

use crate::model::depth::Depth;
use crate::model::layers::{Convolution, Padding, Weights, linear};
use crate::model::param_spec::HEAD;

/// Squeeze-and-excitation (Hu et al. 2018): a gate for each channel from the mean over its map.
struct Excitation {
    reduce: [Tensor; 2],
    expand: [Tensor; 2],
}

impl Excitation {
    fn new(weights: &Weights, block: &str) -> Self {
        Self {
            reduce: linear(weights, &format!("{block}.se.reduce")),
            expand: linear(weights, &format!("{block}.se.expand")),
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

/// The network with its weights.
pub(super) struct SeResNet {
    stem: Convolution,
    blocks: Vec<Block>,
    head: [Tensor; 2],
}

impl SeResNet {
    pub fn new(depth: Depth, weights: &Weights) -> Self {
        let plans = depth.block_plans();
        let blocks = plans.iter().map(|plan| {
            let name = &plan.name;
            let convolution = |i: usize| {
                let (conv, norm) = (
                    format!("{name}.conv{}", i + 1),
                    format!("{name}.norm{}", i + 1),
                );
                Convolution::new(weights, &conv, &norm, plan.strides()[i], Padding::Same)
            };
            let down = (format!("{name}.down.conv"), format!("{name}.down.norm"));
            Block {
                convolutions: (0..plan.convolutions().len()).map(convolution).collect(),
                excitation: Excitation::new(weights, name),
                down: plan.changes_shape().then(|| {
                    Convolution::new(weights, &down.0, &down.1, plan.stride, Padding::Same)
                }),
            }
        });
        Self {
            stem: Convolution::new(weights, "stem.conv", "stem.norm", 2, Padding::Same),
            blocks: blocks.collect(),
            head: linear(weights, HEAD),
        }
    }

    /// Logits, windows × (2 outputs), of windows × 1 × 80 × 80.
    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let mut y = self.stem.forward(x, train).relu_();
        y = y.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        for block in &self.blocks {
            y = block.forward(&y, train);
        }
        let features = y.mean_dim([2i64, 3].as_slice(), false, Kind::Float);
        features.linear(&self.head[0], Some(&self.head[1]))
    }

    /// The same function with every batch normalisation folded into its convolution, for inference.
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
