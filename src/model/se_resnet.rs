//! SE-ResNet for 80 × 80 log-mel windows (Gui et al. 2022, section 2 and table 1): a residual
//! network (He et al. 2016) with squeeze-and-excitation in every block (Hu et al. 2018).
//!
//! Input: windows × 1 × 80 frames × 80 bands, normalised per band. Output: windows × horizons × 2
//! logits, no voice and voice. Feature maps are 40, 20, 10, 5 and 3 wide; depth 14 ends at 5.

use std::collections::BTreeMap;

use tch::{Device, IndexOp, Kind, Tensor};

/// Channels of the stem.
const STEM_CHANNELS: i64 = 64;
/// Squeeze-and-excitation narrows to a sixteenth of the channels (Hu et al. 2018, section 6.1).
const SE_REDUCTION: i64 = 16;
/// A bottleneck block widens by this at its end (He et al. 2016).
const BOTTLENECK_EXPANSION: i64 = 4;
const NORM_EPSILON: f64 = 1e-5;
const NORM_MOMENTUM: f64 = 0.1;

/// The depths of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    D14,
    D18,
    D34,
    D50,
    D101,
    D152,
    D200,
}

impl Depth {
    pub const ALL: [Depth; 7] = [
        Self::D14,
        Self::D18,
        Self::D34,
        Self::D50,
        Self::D101,
        Self::D152,
        Self::D200,
    ];

    pub fn from_layers(layers: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|depth| depth.layers() == layers)
    }

    pub fn layers(self) -> u32 {
        match self {
            Self::D14 => 14,
            Self::D18 => 18,
            Self::D34 => 34,
            Self::D50 => 50,
            Self::D101 => 101,
            Self::D152 => 152,
            Self::D200 => 200,
        }
    }

    /// Parameters as the paper's table 3 gives them, in millions. Its 118 for depth 200 does
    /// not follow from the blocks of its own table 1, which make 81.0.
    pub fn paper_parameters_m(self) -> f64 {
        match self {
            Self::D14 => 2.8,
            Self::D18 => 11.0,
            Self::D34 => 21.0,
            Self::D50 => 26.0,
            Self::D101 => 47.0,
            Self::D152 => 65.0,
            Self::D200 => 118.0,
        }
    }

    fn blocks(self) -> &'static [usize] {
        match self {
            Self::D14 => &[2, 2, 2],
            Self::D18 => &[2, 2, 2, 2],
            Self::D34 | Self::D50 => &[3, 4, 6, 3],
            Self::D101 => &[3, 4, 23, 3],
            Self::D152 => &[3, 8, 36, 3],
            Self::D200 => &[3, 12, 48, 3],
        }
    }

    fn is_bottleneck(self) -> bool {
        self.layers() >= 50
    }
}

/// What makes two networks interchangeable: their weights have the same names and shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    pub depth: Depth,
    pub horizons: usize,
}

/// What a tensor of the network is for; it decides its first value and whether it is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Convolution,
    Linear,
    Bias,
    NormWeight,
    NormMean,
    NormVariance,
}

impl Role {
    /// Running statistics are gathered, everything else is learnt.
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::NormMean | Self::NormVariance)
    }
}

/// A tensor that a network of some architecture must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub name: String,
    pub shape: Vec<i64>,
    pub role: Role,
}

/// One residual block's place and sizes.
struct BlockPlan {
    name: String,
    in_channels: i64,
    /// Channels inside a bottleneck; those of the output in a basic block.
    width: i64,
    out_channels: i64,
    stride: i64,
    bottleneck: bool,
}

impl Architecture {
    /// Every tensor of the network, in a fixed order.
    pub fn slots(&self) -> Vec<Slot> {
        let mut slots = SlotList::default();
        slots.convolution("stem", "conv", "norm", [STEM_CHANNELS, 1, 7, 7]);
        for block in self.block_plans() {
            let BlockPlan {
                name,
                in_channels,
                out_channels,
                ..
            } = &block;
            for (i, [out, inp, size]) in block.convolutions().into_iter().enumerate() {
                let (conv, norm) = (format!("conv{}", i + 1), format!("norm{}", i + 1));
                slots.convolution(name, &conv, &norm, [out, inp, size, size]);
            }
            let squeezed = out_channels / SE_REDUCTION;
            slots.linear(&format!("{name}.se.reduce"), squeezed, *out_channels);
            slots.linear(&format!("{name}.se.expand"), *out_channels, squeezed);
            if block.changes_shape() {
                let down = format!("{name}.down");
                slots.convolution(&down, "conv", "norm", [*out_channels, *in_channels, 1, 1]);
            }
        }
        slots.linear("head", 2 * self.horizons as i64, self.features());
        slots.0
    }

    /// Trained values of the network.
    pub fn parameters(&self) -> usize {
        let trained = self
            .slots()
            .into_iter()
            .filter(|slot| slot.role.is_trained());
        trained
            .map(|slot| slot.shape.iter().product::<i64>() as usize)
            .sum()
    }

    /// Channels of the pooled features.
    fn features(&self) -> i64 {
        self.block_plans()
            .last()
            .map_or(STEM_CHANNELS, |block| block.out_channels)
    }

    fn block_plans(&self) -> Vec<BlockPlan> {
        let bottleneck = self.depth.is_bottleneck();
        let mut plans = Vec::new();
        let mut in_channels = STEM_CHANNELS;
        for (stage, &count) in self.depth.blocks().iter().enumerate() {
            let width = STEM_CHANNELS << stage;
            let out_channels = if bottleneck {
                width * BOTTLENECK_EXPANSION
            } else {
                width
            };
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("stages.{stage}.{block}");
                plans.push(BlockPlan {
                    name,
                    in_channels,
                    width,
                    out_channels,
                    stride,
                    bottleneck,
                });
                in_channels = out_channels;
            }
        }
        plans
    }
}

impl BlockPlan {
    fn changes_shape(&self) -> bool {
        self.stride != 1 || self.in_channels != self.out_channels
    }

    /// Output channels, input channels and kernel size of the convolutions on the residual branch.
    fn convolutions(&self) -> Vec<[i64; 3]> {
        let Self {
            in_channels,
            width,
            out_channels,
            ..
        } = *self;
        if self.bottleneck {
            vec![
                [width, in_channels, 1],
                [width, width, 3],
                [out_channels, width, 1],
            ]
        } else {
            vec![[width, in_channels, 3], [width, width, 3]]
        }
    }

    /// The stride sits on the first 3 × 3 convolution.
    fn strides(&self) -> &'static [i64] {
        match (self.bottleneck, self.stride) {
            (true, 2) => &[1, 2, 1],
            (false, 2) => &[2, 1],
            _ => &[1, 1, 1],
        }
    }
}

#[derive(Default)]
struct SlotList(Vec<Slot>);

impl SlotList {
    fn add(&mut self, name: String, shape: &[i64], role: Role) {
        self.0.push(Slot {
            name,
            shape: shape.to_vec(),
            role,
        });
    }

    fn convolution(&mut self, place: &str, conv: &str, norm: &str, shape: [i64; 4]) {
        let channels = &shape[..1];
        self.add(format!("{place}.{conv}.weight"), &shape, Role::Convolution);
        self.add(format!("{place}.{norm}.weight"), channels, Role::NormWeight);
        self.add(format!("{place}.{norm}.bias"), channels, Role::Bias);
        self.add(
            format!("{place}.{norm}.running_mean"),
            channels,
            Role::NormMean,
        );
        self.add(
            format!("{place}.{norm}.running_var"),
            channels,
            Role::NormVariance,
        );
    }

    fn linear(&mut self, place: &str, out_features: i64, in_features: i64) {
        self.add(
            format!("{place}.weight"),
            &[out_features, in_features],
            Role::Linear,
        );
        self.add(format!("{place}.bias"), &[out_features], Role::Bias);
    }
}

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
