//! Weights in the order in which the kernels read them, one layer after the other.

use crate::model::compiled::aligned::Aligned;
use crate::model::compiled::product::{Field, Format};
use crate::model::compiled::vector::InstructionSet;

/// A matrix of weights, inputs × outputs.
pub(super) struct Matrix<'a> {
    pub inputs: usize,
    pub outputs: usize,
    /// The weight of an input for an output.
    pub weight: &'a dyn Fn(usize, usize) -> f32,
}

/// Where a layer's weights lie: blocks of output channels, in each `matrices` matrices of inputs × channels.
pub(super) struct Panel {
    pub format: Format,
    /// Floats before the first block.
    start: usize,
    /// Floats of a block.
    block: usize,
    /// Floats of a matrix in a block.
    matrix: usize,
    /// Blocks of output channels.
    pub blocks: usize,
    /// One for each output, zero for those that fill the last block.
    pub bias: Aligned,
}

impl Panel {
    /// The weights of a matrix for a block of channels.
    pub fn weights<'a>(&self, all: &'a [f32], block: usize, matrix: usize) -> &'a [f32] {
        &all[self.start + block * self.block + matrix * self.matrix..][..self.matrix]
    }
}

/// Collects the weights of a network.
pub(super) struct Packer {
    pub set: InstructionSet,
    format: Format,
    words: Vec<u32>,
}

impl Packer {
    pub fn new(set: InstructionSet, format: Format) -> Self {
        Self {
            set,
            format,
            words: Vec::new(),
        }
    }

    /// Adds the matrices of a layer, all of one size, and its bias.
    pub fn add(&mut self, field: Field, matrices: &[Matrix], bias: &[f32]) -> Panel {
        let channels = self.set.block_channels();
        let blocks = bias.len().div_ceil(channels);
        let format = self.format;
        let start = self.words.len();
        let matrix = field.inputs() * channels * format.bytes() / size_of::<f32>();
        self.words.reserve(blocks * matrices.len() * matrix);
        for block in 0..blocks {
            let outputs = block * channels..(block + 1) * channels;
            for matrix in matrices {
                let weight = |input: usize, output: usize| match output < matrix.outputs {
                    true => (matrix.weight)(input, output),
                    false => 0.0,
                };
                match format {
                    Format::Float32 => self.words.extend((0..matrix.inputs).flat_map(|input| {
                        let outputs = outputs.clone();
                        outputs.map(move |output| weight(input, output).to_bits())
                    })),
                    Format::Bfloat16 => {
                        let inputs = (0..matrix.inputs).step_by(2);
                        self.words.extend(inputs.flat_map(|input| {
                            let outputs = outputs.clone();
                            outputs.map(move |output| {
                                bfloat16_pair(weight(input, output), weight(input + 1, output))
                            })
                        }));
                    }
                }
            }
        }
        let mut padded = Aligned::zeros(blocks * channels);
        padded[..bias.len()].copy_from_slice(bias);
        Panel {
            format,
            start,
            block: matrices.len() * matrix,
            matrix,
            blocks,
            bias: padded,
        }
    }

    /// All weights.
    pub fn finish(self) -> Aligned {
        let mut weights = Aligned::zeros(self.words.len());
        for (weight, word) in weights.iter_mut().zip(self.words) {
            *weight = f32::from_bits(word);
        }
        weights
    }
}

/// Two weights in one word (see [`Format::Bfloat16`]).
///
/// Neither is ever a denormal number, which would be slow: the smallest normal number stands for zero.
fn bfloat16_pair(first: f32, second: f32) -> u32 {
    const SIGN: u32 = 0x8000_0000;
    const UPPER: u32 = 0xffff_0000;
    const HALF: u32 = 0x8000;
    // Weights are finite, and far below the largest number.
    let lower = match first.abs() < f32::MIN_POSITIVE {
        true => 0,
        false => first.to_bits().saturating_add(HALF) >> 16,
    };
    // Of the words with this lower half, the nearest to the weight.
    let magnitude = second.abs().to_bits() + HALF;
    let upper = magnitude.saturating_sub(lower) & UPPER;
    second.to_bits() & SIGN | upper.max(f32::MIN_POSITIVE.to_bits()) | lower
}
