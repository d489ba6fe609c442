//! The precisions of a training step, as options name them.

use crate::training::experiment::Precision;

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum PrecisionName {
    Float32,
    /// Faster where the processor has instructions for it (AVX512-BF16, AMX, GPUs)
    Bfloat16,
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::Float32 => Self::Float32,
            PrecisionName::Bfloat16 => Self::Bfloat16,
        }
    }
}
