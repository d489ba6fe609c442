//! Weights in the order in which the kernels read them, one layer after the other.

use half::f16;

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
    /// Weights before the first block.
    start: usize,
    /// Weights of a block.
    block: usize,
    /// Weights of a matrix in a block.
    matrix: usize,
    /// Blocks of output channels.
    pub blocks: usize,
    /// One for each output, zero for those that fill the last block.
    pub bias: Aligned,
}

/// The weights of a network, as its [`Panel`]s find them.
pub(super) struct PackedWeights {
    pub format: Format,
    words: Aligned,
}

impl PackedWeights {
    /// The weights of a panel's matrix for a block of channels.
    pub fn matrix(&self, panel: &Panel, block: usize, matrix: usize) -> &[f32] {
        let words = |weights: usize| weights * self.format.bytes() / size_of::<f32>();
        let first = panel.start + block * panel.block + matrix * panel.matrix;
        &self.words[words(first)..][..words(panel.matrix)]
    }

    pub fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Whether no weight is too large for float16. These are weights in 32 bits.
    pub fn fit_float16(&self) -> bool {
        let largest = f16::MAX.to_f32();
        self.words.iter().all(|weight| weight.abs() <= largest)
    }

    /// The same weights in 16 bits each: `format` is one of those. They were packed for blocks of `channels`.
    pub fn halved(&self, format: Format, channels: usize) -> Self {
        let mut words = Aligned::zeros(self.words.len() / 2);
        let pairs = self.words.chunks_exact(2 * channels);
        for (pair, words) in pairs.zip(words.chunks_exact_mut(channels)) {
            let (first, second) = pair.split_at(channels);
            for (at, word) in words.iter_mut().enumerate() {
                *word = f32::from_bits(match format {
                    Format::Float16 => {
                        let channel = float16_channel(at, channels);
                        float16_pair(first[channel], second[channel])
                    }
                    _ => bfloat16_pair(first[at], second[at]),
                });
            }
        }
        Self { format, words }
    }

    /// These weights, of float16, as 32-bit floats. They were packed for blocks of `channels`.
    pub fn widened(&self, channels: usize) -> Self {
        let mut words = Aligned::zeros(2 * self.words.len());
        let pairs = words.chunks_exact_mut(2 * channels);
        for (pair, words) in pairs.zip(self.words.chunks_exact(channels)) {
            let (first, second) = pair.split_at_mut(channels);
            for (at, word) in words.iter().enumerate() {
                let channel = float16_channel(at, channels);
                [first[channel], second[channel]] = float16_weights(word.to_bits());
            }
        }
        Self {
            format: Format::Float32,
            words,
        }
    }
}

/// Collects the weights of a network.
pub(super) struct Packer {
    pub set: InstructionSet,
    weights: Vec<f32>,
}

impl Packer {
    pub fn new(set: InstructionSet) -> Self {
        Self {
            set,
            weights: Vec::new(),
        }
    }

    /// Adds the matrices of a layer, all of one size, and its bias.
    pub fn add(&mut self, field: Field, matrices: &[Matrix], bias: &[f32]) -> Panel {
        let channels = self.set.block_channels();
        let blocks = bias.len().div_ceil(channels);
        let start = self.weights.len();
        let matrix = field.inputs() * channels;
        self.weights.reserve(blocks * matrices.len() * matrix);
        for block in 0..blocks {
            for matrix in matrices {
                for input in 0..matrix.inputs {
                    let outputs = block * channels..(block + 1) * channels;
                    self.weights
                        .extend(outputs.map(|output| match output < matrix.outputs {
                            true => (matrix.weight)(input, output),
                            false => 0.0,
                        }));
                }
            }
        }
        let mut padded = Aligned::zeros(blocks * channels);
        padded[..bias.len()].copy_from_slice(bias);
        Panel {
            start,
            block: matrices.len() * matrix,
            matrix,
            blocks,
            bias: padded,
        }
    }

    /// All weights, as 32-bit floats.
    pub fn finish(self) -> PackedWeights {
        let mut words = Aligned::zeros(self.weights.len());
        words.copy_from_slice(&self.weights);
        PackedWeights {
            format: Format::Float32,
            words,
        }
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

/// The channel of a block whose weights are word number `at`: even ones come first.
fn float16_channel(at: usize, channels: usize) -> usize {
    2 * at % channels + 2 * at / channels
}

/// The weights in one word (see [`Format::Float16`]).
fn float16_weights(word: u32) -> [f32; 2] {
    [word as u16, (word >> 16) as u16].map(|bits| f16::from_bits(bits).to_f32())
}

/// Two weights in one word (see [`Format::Float16`]).
fn float16_pair(first: f32, second: f32) -> u32 {
    let [first, second] = [first, second].map(|weight| u32::from(f16::from_f32(weight).to_bits()));
    second << 16 | first
}
