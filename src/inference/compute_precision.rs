//! The precision of a network in inference.

use std::fmt;
use std::str::FromStr;

use tch::Device;

use crate::model::compiled::InstructionSet;

/// A requested precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ComputePrecision {
    /// On a CPU whose network is compiled, the first of those [`faster_than_float32`] that moves no probability of a
    /// built-in test by more than [`MOST_APART`]; else float32.
    #[default]
    Auto,
    /// 32-bit floats throughout.
    Float32,
    /// Weights of 16 bits; on a GPU also the activations.
    Bfloat16,
    /// Weights and factors of 16 bits with a longer fraction, on a processor with AVX512-FP16 or a GPU.
    Float16,
}

/// Most that 16 bits may move a probability, with [`ComputePrecision::Auto`].
pub const MOST_APART: f32 = 0.005;

/// Bytes of 32-bit weights from which bfloat16 is faster: beyond most processors' caches, they are read from memory with
/// every pass. The arithmetic of smaller networks takes longer than their weights, and bfloat16 adds to it.
pub const LARGE_WEIGHTS: usize = 32 << 20;

/// The precisions that make a compiled network faster, the fastest first. `has_float16`: of the processor;
/// `weight_bytes`: of all 32-bit weights.
pub fn faster_than_float32(
    has_float16: bool,
    weight_bytes: usize,
) -> impl Iterator<Item = WeightPrecision> {
    let float16 = has_float16.then_some(WeightPrecision::Float16);
    let is_large = weight_bytes > LARGE_WEIGHTS;
    let bfloat16 = is_large.then_some(WeightPrecision::Bfloat16);
    float16.into_iter().chain(bfloat16)
}

/// Why a precision cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrecisionError {
    /// Not the name of a precision.
    #[error("`{0}` is not a precision: use auto, float32, bfloat16 or float16")]
    Unknown(String),
    /// The processor cannot multiply 16-bit floats.
    #[error(
        "float16 needs a processor with AVX512-FP16, which this one is not, or a GPU: use auto"
    )]
    NoFloat16,
    /// A weight is too large for 16-bit floats.
    #[error("a weight of the network is above 65504, the largest number of float16: use auto")]
    LargeWeight,
    /// The network has no windows.
    #[error("a network that processes whole recordings runs in float32 only: use auto or float32")]
    WholeRecordings,
}

impl ComputePrecision {
    /// Whether networks of windows can be computed so on `device`.
    ///
    /// # Errors
    /// [`PrecisionError::NoFloat16`] where it cannot multiply 16-bit floats.
    pub fn check(self, device: Device) -> Result<(), PrecisionError> {
        let has_float16 = match device {
            Device::Cpu => InstructionSet::detect().is_some_and(InstructionSet::has_float16),
            _ => true,
        };
        match self == Self::Float16 && !has_float16 {
            true => Err(PrecisionError::NoFloat16),
            false => Ok(()),
        }
    }

    /// Whether networks of whole recordings can be computed so.
    ///
    /// # Errors
    /// [`PrecisionError::WholeRecordings`] for 16 bits.
    pub fn check_whole_recordings(self) -> Result<(), PrecisionError> {
        match self {
            Self::Auto | Self::Float32 => Ok(()),
            Self::Bfloat16 | Self::Float16 => Err(PrecisionError::WholeRecordings),
        }
    }
}

impl FromStr for ComputePrecision {
    type Err = PrecisionError;

    fn from_str(text: &str) -> Result<Self, PrecisionError> {
        match text {
            "auto" => Ok(Self::Auto),
            "float32" => Ok(Self::Float32),
            "bfloat16" => Ok(Self::Bfloat16),
            "float16" => Ok(Self::Float16),
            _ => Err(PrecisionError::Unknown(text.into())),
        }
    }
}

/// The precision of a network in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightPrecision {
    /// 32-bit floats.
    Float32,
    /// 16 bits, of which 7 are the fraction's.
    Bfloat16,
    /// 16 bits, of which 10 are the fraction's.
    Float16,
}

/// As `--precision` takes it.
impl fmt::Display for WeightPrecision {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Float32 => "float32",
            Self::Bfloat16 => "bfloat16",
            Self::Float16 => "float16",
        })
    }
}
