//! The precision of a network's weights in inference.

use std::fmt;
use std::str::FromStr;

/// A requested precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ComputePrecision {
    /// bfloat16 on a CPU whose network is compiled, if that moves no probability of a built-in test by more than
    /// [`MOST_APART`]; else float32.
    #[default]
    Auto,
    /// 32-bit floats throughout.
    Float32,
    /// Weights of 16 bits; on a GPU also the activations.
    Bfloat16,
}

/// Most that bfloat16 may move a probability, with [`ComputePrecision::Auto`].
pub const MOST_APART: f32 = 0.005;

/// Not the name of a precision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a precision: use auto, float32 or bfloat16")]
pub struct UnknownPrecision(String);

impl FromStr for ComputePrecision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        match text {
            "auto" => Ok(Self::Auto),
            "float32" => Ok(Self::Float32),
            "bfloat16" => Ok(Self::Bfloat16),
            _ => Err(UnknownPrecision(text.into())),
        }
    }
}

/// The precision of a network in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightPrecision {
    /// 32-bit floats.
    Float32,
    /// 16 bits.
    Bfloat16,
}

/// As `--precision` takes it.
impl fmt::Display for WeightPrecision {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Float32 => "float32",
            Self::Bfloat16 => "bfloat16",
        })
    }
}
