//! Blocks, tensors and parameters of SE-ResNet at each depth.
//!
//! A residual network (He et al. 2016) with squeeze-and-excitation in every block (Hu et al. 2018), as in section 2 and
//! table 1 of Gui et al. (2022). Input: 80 frames of 80 bands. Feature maps are 40, 20, 10, 5 and 3 wide; depth 14 ends
//! at 5.

use crate::model::param_spec::ParamSpecs;

/// Channels of the stem.
const STEM_CHANNELS: i64 = 64;
/// Reduction ratio of squeeze-and-excitation (Hu et al. 2018, section 6.1).
const SE_REDUCTION: i64 = 16;
/// Ratio of output channels to inner channels in a bottleneck block (He et al. 2016).
const BOTTLENECK_EXPANSION: i64 = 4;

/// A depth of the paper, in layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 14 layers, basic blocks in three stages.
    D14,
    /// 18 layers, basic blocks.
    D18,
    /// 34 layers, basic blocks.
    D34,
    /// 50 layers, bottleneck blocks.
    D50,
    /// 101 layers, bottleneck blocks.
    D101,
    /// 152 layers, bottleneck blocks.
    D152,
    /// 200 layers, bottleneck blocks.
    D200,
}

impl Depth {
    /// Every depth, rising.
    pub const ALL: [Depth; 7] = [
        Self::D14,
        Self::D18,
        Self::D34,
        Self::D50,
        Self::D101,
        Self::D152,
        Self::D200,
    ];

    /// The depth of this many layers.
    pub fn from_layers(layers: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|depth| depth.layers() == layers)
    }

    /// Number of layers.
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

    /// Parameters in millions according to the paper's table 3. Its 118 for depth 200 contradicts the blocks of its
    /// table 1, which have 81.0.
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

    /// Blocks in each stage.
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

    /// Adds every tensor before the head; returns the number of features that the head receives.
    pub(super) fn add_specs(self, specs: &mut ParamSpecs) -> i64 {
        let mut features = STEM_CHANNELS;
        specs.convolution("stem", "conv", "norm", [STEM_CHANNELS, 1, 7, 7]);
        for block in self.block_plans() {
            let BlockPlan {
                name,
                in_channels,
                out_channels,
                ..
            } = &block;
            for (i, [out, inp, size]) in block.convolutions().into_iter().enumerate() {
                let (conv, norm) = (format!("conv{}", i + 1), format!("norm{}", i + 1));
                specs.convolution(name, &conv, &norm, [out, inp, size, size]);
            }
            let squeezed = out_channels / SE_REDUCTION;
            specs.linear(&format!("{name}.se.reduce"), squeezed, *out_channels);
            specs.linear(&format!("{name}.se.expand"), *out_channels, squeezed);
            if block.changes_shape() {
                let down = format!("{name}.down");
                specs.convolution(&down, "conv", "norm", [*out_channels, *in_channels, 1, 1]);
            }
            features = *out_channels;
        }
        features
    }

    /// The residual blocks, in order.
    pub(super) fn block_plans(self) -> Vec<BlockPlan> {
        let bottleneck = self.is_bottleneck();
        let mut plans = Vec::new();
        let mut in_channels = STEM_CHANNELS;
        for (stage, &count) in self.blocks().iter().enumerate() {
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

/// Place and sizes of one residual block.
pub(super) struct BlockPlan {
    pub name: String,
    in_channels: i64,
    /// Inner channels of a bottleneck; output channels of a basic block.
    width: i64,
    out_channels: i64,
    pub stride: i64,
    bottleneck: bool,
}

impl BlockPlan {
    /// Whether the shortcut needs a convolution.
    pub fn changes_shape(&self) -> bool {
        self.stride != 1 || self.in_channels != self.out_channels
    }

    /// Output channels, input channels and kernel size of each convolution on the residual branch.
    pub fn convolutions(&self) -> Vec<[i64; 3]> {
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

    /// Stride of each convolution on the residual branch; that of the block is at the first 3 × 3 convolution.
    pub fn strides(&self) -> &'static [i64] {
        match (self.bottleneck, self.stride) {
            (true, 2) => &[1, 2, 1],
            (false, 2) => &[2, 1],
            _ => &[1, 1, 1],
        }
    }
}
