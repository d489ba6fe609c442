//! Networks compiled for this processor.
//!
//! A network becomes a list of `steps` over maps that are allocated once. Batch normalisation is folded into the
//! weights, which lie in memory in the order in which they are read; activations are part of the layers. Of libtorch
//! nothing is needed. The results of a window do not depend, bit for bit, on the other windows of a pass.

mod aligned;
mod convolution;
#[cfg(target_arch = "x86_64")]
mod float16;
mod float32;
mod folding;
mod map;
mod overflow;
mod packing;
mod product;
mod program;
mod scnn;
mod se_resnet;
mod steps;
mod vector;
mod winograd;

use std::sync::Arc;

use crate::frontend::{Features, MEL_BANDS};
use crate::model::architecture::INPUT;
use crate::model::compiled::product::Format;
use crate::model::compiled::program::Program;
use crate::model::compiled::steps::Memory;
use crate::model::float_values;
use crate::model::layers::Weights;
use crate::model::network::own_weights;
use crate::model::{Checkpoint, Family};

pub use vector::InstructionSet;

/// A network or an ensemble, compiled. Clones share the weights.
#[derive(Clone)]
pub struct Compiled {
    members: Vec<Arc<Member>>,
    /// Whether each window is processed by one member, in turn.
    alternating: bool,
    outputs: usize,
    /// Values of a window.
    values: usize,
    /// Most windows of a pass.
    windows: usize,
    memory: Memory,
}

struct Member {
    program: Program,
    /// Factor and summand of each band, from the ensemble's normalisation to the member's own.
    input: Option<[Vec<f32>; 2]>,
}

impl Compiled {
    /// Compiles the network of a checkpoint, with weights of 32 bits, for passes over at most `windows` windows. `None` for a network of whole
    /// recordings, which has no windows.
    pub fn new(checkpoint: &Checkpoint, set: InstructionSet, windows: usize) -> Option<Self> {
        let architecture = checkpoint.architecture;
        let Features::Mel(window) = architecture.features() else {
            return None;
        };
        let program = |weights: &Weights| match architecture.family {
            Family::SeResNet(depth) => {
                Some(se_resnet::program(depth, weights, window.frames(), set))
            }
            Family::Scnn => Some(scnn::program(weights, window.frames(), set)),
            Family::BiLstm => None,
        };
        let member = |number: usize| {
            let own = own_weights(&checkpoint.weights, number);
            let part = |part: &str| float_values(&own[&format!("{INPUT}.{part}")]);
            Some(Member {
                program: program(&own)?,
                input: Some([part("weight"), part("bias")]),
            })
        };
        let members: Vec<Member> = match architecture.members {
            0 | 1 => vec![Member {
                program: program(&checkpoint.weights)?,
                input: None,
            }],
            members => (0..members).map(member).collect::<Option<_>>()?,
        };
        Some(Self {
            memory: members.first()?.program.memory(windows),
            members: members.into_iter().map(Arc::new).collect(),
            alternating: checkpoint.metadata.alternating,
            outputs: architecture.outputs(),
            values: window.values(),
            windows,
        })
    }

    /// Bytes of the weights of all members.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let members = self.members.iter();
        members.map(|member| member.program.weight_bytes()).sum()
    }

    /// The same network with weights of 16 bits (bfloat16), which take half the time to read from memory. Sums are
    /// still of 32-bit floats.
    ///
    /// The weights of clones stay as they are, so that both are in memory.
    #[must_use]
    pub fn bfloat16(self) -> Self {
        self.repacked(|program| program.halved(Format::Bfloat16))
    }

    /// The same network with weights and factors of 16 bits (float16), whose products take half the time. `None` where
    /// the processor cannot multiply them or a weight is too large. A pass in which a number is too large predicts NaN.
    #[must_use]
    pub fn float16(self) -> Option<Self> {
        let can = |member: &Arc<Member>| member.program.can_float16();
        self.members
            .iter()
            .all(can)
            .then(|| self.repacked(|program| program.halved(Format::Float16)))
    }

    /// This network, which is in float16, with the same weights as 32-bit floats. All factors and sums are of 32 bits
    /// then, so that nothing is too large.
    #[must_use]
    pub fn widened(self) -> Self {
        self.repacked(Program::widened)
    }

    fn repacked(mut self, repack: impl Fn(&Program) -> Program) -> Self {
        for member in &mut self.members {
            *member = Arc::new(Member {
                program: repack(&member.program),
                input: member.input.clone(),
            });
        }
        if let Some(member) = self.members.first() {
            self.memory = member.program.memory(self.windows);
        }
        self
    }

    /// Probabilities, windows × outputs, of normalised windows, windows × frames × 80. `numbers` holds the
    /// number of each window in its stream: of M alternating members, member m processes the windows whose number is m
    /// modulo M. NaN where a number of the pass was too large.
    pub fn probabilities(&mut self, windows: &[f32], numbers: &[u64]) -> Vec<f32> {
        let mut logits = vec![0.0; numbers.len() * 2 * self.outputs];
        let members = self.members.clone();
        let count = members.len();
        for (place, member) in members.iter().enumerate() {
            let is_own = |number: u64| !self.alternating || number % count as u64 == place as u64;
            let own: Vec<usize> = (0..numbers.len())
                .filter(|&window| is_own(numbers[window]))
                .collect();
            for pass in own.chunks(self.windows) {
                self.pass(member, pass, windows, &mut logits);
            }
        }
        let divisor = if self.alternating { 1 } else { count } as f32;
        let positive = |pair: &[f32]| (1.0 + ((pair[0] - pair[1]) / divisor).exp()).recip();
        logits.chunks_exact(2).map(positive).collect()
    }

    /// Adds a member's logits for the windows at `places`.
    fn pass(&mut self, member: &Member, places: &[usize], windows: &[f32], logits: &mut [f32]) {
        let memory = &mut self.memory;
        for (row, &place) in places.iter().enumerate() {
            let values = windows[place * self.values..][..self.values].iter();
            match &member.input {
                None => member.program.stage(memory, row, values.copied()),
                Some([factor, summand]) => {
                    let values = values.enumerate().map(|(at, value)| {
                        let band = at % MEL_BANDS;
                        value * factor[band] + summand[band]
                    });
                    member.program.stage(memory, row, values);
                }
            }
        }
        let is_valid = member.program.run(memory, places.len());
        let outputs = 2 * self.outputs;
        for (row, &place) in places.iter().enumerate() {
            let output = &member.program.output(memory, row)[..outputs];
            let logits = &mut logits[place * outputs..][..outputs];
            for (logit, output) in logits.iter_mut().zip(output) {
                *logit += if is_valid { *output } else { f32::NAN };
            }
        }
    }
}
