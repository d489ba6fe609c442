//! A single network as a list of steps.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::frontend::MEL_BANDS;
use crate::model::compiled::aligned::Aligned;
use crate::model::compiled::convolution::{Convolution, Kernel};
use crate::model::compiled::map::{Map, Shape};
use crate::model::compiled::packing::{PackedWeights, Packer};
use crate::model::compiled::product::{Activation, Format};
use crate::model::compiled::steps::{Layer, MapId, Memory, Step};
use crate::model::compiled::vector::{InstructionSet, Vector};
use crate::model::compiled::winograd::{Scratch, Winograd};

/// A network, ready to run on this processor.
pub(super) struct Program {
    set: InstructionSet,
    steps: Arc<[Step]>,
    /// Steps that are run for one window after the other: their maps outweigh their weights.
    single: usize,
    maps: Vec<Shape>,
    weights: PackedWeights,
    input: MapId,
    output: MapId,
}

impl Program {
    /// Memory for passes over at most this many windows.
    pub fn memory(&self, windows: usize) -> Memory {
        // Where windows follow one another, the next can use the memory of the last, which is in the cache.
        let shared = self.steps[self.single..].iter().flat_map(Step::maps);
        let shared: BTreeSet<MapId> = shared.chain([self.input, self.output]).collect();
        let map = |(id, &shape): (MapId, &Shape)| {
            Map::new(shape, if shared.contains(&id) { windows } else { 1 })
        };
        let maps: Vec<Map> = self.maps.iter().enumerate().map(map).collect();
        let mut winograd = Vec::new();
        let mut float16 = 0;
        for step in self.steps.iter() {
            match step {
                Step::Product {
                    layer: Layer::Winograd(layer),
                    ..
                } => winograd.push(layer),
                Step::Product {
                    layer: Layer::Direct(layer),
                    from,
                    ..
                } if self.weights.format == Format::Float16 => {
                    let from = &maps[*from];
                    float16 = float16.max(layer.read(from.shape, from.windows) / 2);
                }
                _ => {}
            }
        }
        Memory {
            maps,
            scratch: Scratch::new(winograd.into_iter()),
            float16: Aligned::zeros(float16),
            overflowed: false,
        }
    }

    /// The same program with weights of 16 bits, in this format of those.
    pub fn halved(&self, format: Format) -> Self {
        self.with_weights(self.weights.halved(format, self.set.block_channels()))
    }

    /// The same program, which is in float16, with its weights as 32-bit floats.
    pub fn widened(&self) -> Self {
        self.with_weights(self.weights.widened(self.set.block_channels()))
    }

    fn with_weights(&self, weights: PackedWeights) -> Self {
        Self {
            weights,
            steps: Arc::clone(&self.steps),
            maps: self.maps.clone(),
            ..*self
        }
    }

    /// Writes window number `place` of the next pass, frames × 80.
    pub fn stage(&self, memory: &mut Memory, place: usize, values: impl Iterator<Item = f32>) {
        let input = &mut memory.maps[self.input];
        let (start, shape) = (input.start(place), input.shape);
        let window = &mut input.values[start..][..shape.values()];
        let first = shape.offset(0, 0);
        let rows = window[first..].chunks_mut(shape.row());
        let places = rows
            .take(shape.height)
            .flat_map(|row| &mut row[..MEL_BANDS]);
        places.zip(values).for_each(|(to, from)| *to = from);
    }

    /// The outputs of a window of the last pass.
    pub fn output<'a>(&self, memory: &'a Memory, place: usize) -> &'a [f32] {
        let output = &memory.maps[self.output];
        &output.values[output.start(place)..][..output.shape.channels]
    }

    /// Bytes of the weights.
    pub fn weight_bytes(&self) -> usize {
        self.weights.bytes()
    }

    /// Whether the processor multiplies in float16 and no weight is too large for it.
    pub fn can_float16(&self) -> bool {
        self.set.has_float16() && self.weights.fit_float16()
    }

    /// A pass over `windows` windows. False if a number was too large for its format, so that the outputs are wrong.
    pub fn run(&self, memory: &mut Memory, windows: usize) -> bool {
        memory.overflowed = false;
        match self.set {
            // SAFETY: the processor has the set, since there is a value of it.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => unsafe { self.run_avx512(memory, windows) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => unsafe { self.run_avx2(memory, windows) },
            #[cfg(not(target_arch = "x86_64"))]
            _ => unreachable!("an instruction set of another processor"),
        }
        !memory.overflowed
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn run_avx512(&self, memory: &mut Memory, windows: usize) {
        // SAFETY: by the contract of this function.
        unsafe { self.run_steps::<__m512>(memory, windows) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn run_avx2(&self, memory: &mut Memory, windows: usize) {
        // SAFETY: by the contract of this function.
        unsafe { self.run_steps::<__m256>(memory, windows) }
    }

    #[inline(always)]
    unsafe fn run_steps<V: Vector>(&self, memory: &mut Memory, windows: usize) {
        let (single, together) = self.steps.split_at(self.single);
        let ones = (0..windows).map(|window| (single, window..window + 1));
        for (steps, windows) in ones.chain([(together, 0..windows)]) {
            for step in steps {
                // SAFETY: by the contract of this function; steps and maps belong together.
                unsafe { step.run::<V>(&self.weights, memory, windows.clone()) }
            }
        }
    }
}

/// Builds a [`Program`] step by step.
pub(super) struct Builder {
    packer: Packer,
    steps: Vec<Step>,
    single: usize,
    maps: Vec<Shape>,
    /// Maps that no later step reads.
    free: Vec<MapId>,
    input: MapId,
}

impl Builder {
    /// A program whose input has this shape.
    pub fn new(set: InstructionSet, input: Shape) -> Self {
        Self {
            packer: Packer::new(set),
            steps: Vec::new(),
            single: 0,
            maps: vec![input],
            free: Vec::new(),
            input: 0,
        }
    }

    pub fn input(&self) -> MapId {
        self.input
    }

    /// Declares that no later step reads a map.
    pub fn release(&mut self, map: MapId) {
        if map != self.input {
            self.free.push(map);
        }
    }

    fn map(&mut self, shape: Shape) -> MapId {
        let free = self.free.iter().position(|&map| self.maps[map] == shape);
        match free {
            Some(place) => self.free.swap_remove(place),
            None => {
                self.maps.push(shape);
                self.maps.len() - 1
            }
        }
    }

    /// Declares that the maps of later steps are small beside their weights.
    pub fn end_of_large_maps(&mut self) {
        self.single = self.steps.len();
    }

    /// A convolution whose result has a border of `border` zeros.
    pub fn convolution(
        &mut self,
        kernel: &Kernel,
        from: MapId,
        [stride, padding]: [usize; 2],
        activation: Activation,
        border: usize,
    ) -> MapId {
        let from_shape = self.maps[from];
        let size = |size: usize, kernel: usize| (size + 2 * padding - kernel) / stride + 1;
        // A kernel writes whole blocks.
        let block = self.packer.set.block_channels();
        let shape = Shape {
            height: size(from_shape.height, kernel.size[0]),
            width: size(from_shape.width, kernel.size[1]),
            channels: kernel.bias.len().next_multiple_of(block),
            before: border,
            after: border,
        };
        let to = self.map(shape);
        let shapes = [from_shape, shape];
        let steps = [stride, padding];
        let packer = &mut self.packer;
        let layer = match Winograd::suits(kernel, shapes, steps) {
            true => Layer::Winograd(Winograd::new(packer, kernel, from_shape, activation)),
            false => Layer::Direct(Convolution::new(packer, kernel, shapes, steps, activation)),
        };
        self.steps.push(Step::Product { layer, from, to });
        to
    }

    /// A dense layer on the channels of a map of one pixel.
    pub fn dense(&mut self, kernel: &Kernel, from: MapId, activation: Activation) -> MapId {
        self.convolution(kernel, from, [1, 0], activation, 0)
    }

    /// The largest values of squares of 3 × 3 pixels.
    pub fn max_pool(&mut self, from: MapId, [stride, padding]: [usize; 2], border: usize) -> MapId {
        const SIZE: usize = 3;
        let from_shape = self.maps[from];
        let size = |size: usize| (size + 2 * padding - SIZE) / stride + 1;
        let to = self.map(Shape {
            height: size(from_shape.height),
            width: size(from_shape.width),
            channels: from_shape.channels,
            before: border,
            after: border,
        });
        self.steps.push(Step::MaxPool {
            from,
            to,
            size: SIZE,
            stride,
            padding,
        });
        to
    }

    /// The mean of every channel.
    pub fn mean(&mut self, from: MapId) -> MapId {
        let to = self.map(Shape::vector(self.maps[from].channels));
        self.steps.push(Step::Mean { from, to });
        to
    }

    /// See [`Step::Gate`].
    pub fn gate(&mut self, gate: MapId, map: MapId, shortcut: MapId) {
        self.steps.push(Step::Gate {
            gate,
            map,
            shortcut,
        });
    }

    /// The program whose result is the map `output`, of one pixel.
    pub fn finish(self, output: MapId) -> Program {
        Program {
            set: self.packer.set,
            steps: self.steps.into(),
            single: self.single,
            maps: self.maps,
            weights: self.packer.finish(),
            input: self.input,
            output,
        }
    }
}
