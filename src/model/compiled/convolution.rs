//! Convolutions and dense layers as products of pixels and weights.

use std::ops::Range;

use crate::model::compiled::aligned::Aligned;
use crate::model::compiled::map::{Map, Shape};
use crate::model::compiled::packing::{Matrix, PackedWeights, Packer, Panel};
use crate::model::compiled::product::{Activation, Factor, Field, Format, Pixels, Product, STEP};
use crate::model::compiled::vector::{Vector, WIDEST};

/// The weights of a convolution with its normalisation folded in: outputs × inputs × size[0] × size[1].
pub(super) struct Kernel {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub inputs: usize,
    pub size: [usize; 2],
}

impl Kernel {
    /// The weight of an output for an input at a place of the kernel.
    pub fn at(&self, output: usize, input: usize, [y, x]: [usize; 2]) -> f32 {
        let [height, width] = self.size;
        self.weight[((output * self.inputs + input) * height + y) * width + x]
    }
}

/// A convolution with an activation; a dense layer is one of size 1.
pub(super) struct Convolution {
    panel: Panel,
    field: Field,
    from: Vec<u32>,
    to: Vec<u32>,
    activation: Activation,
}

impl Convolution {
    /// A convolution of maps of shape `from`, the first of whose fields starts `padding` before the map.
    pub fn new(
        packer: &mut Packer,
        kernel: &Kernel,
        [from, to]: [Shape; 2],
        [stride, padding]: [usize; 2],
        activation: Activation,
    ) -> Self {
        let [height, width] = kernel.size;
        let field = Field {
            rows: height,
            row_stride: from.row(),
            run: (width * from.channels).next_multiple_of(STEP),
        };
        let weight = |input: usize, output: usize| {
            let (y, rest) = (input / field.run, input % field.run);
            let (x, channel) = (rest / from.channels, rest % from.channels);
            // Runs are filled up to whole steps, and maps to whole blocks of channels.
            match x < width && channel < kernel.inputs {
                true => kernel.at(output, channel, [y, x]),
                false => 0.0,
            }
        };
        let matrix = Matrix {
            inputs: field.inputs(),
            outputs: kernel.bias.len(),
            weight: &weight,
        };
        let corner = |at: usize| (at * stride) as isize - padding as isize;
        let outputs = (0..to.height).flat_map(|y| (0..to.width).map(move |x| (y, x)));
        Self {
            panel: packer.add(field, &[matrix], &kernel.bias),
            field,
            from: outputs
                .map(|(y, x)| from.offset(corner(y), corner(x)) as u32)
                .collect(),
            to: to.offsets(),
            activation,
        }
    }

    /// # Safety
    ///
    /// The processor must have the instruction set of `V`, for which the weights were packed, and the maps the shapes
    /// that the layer was made for. `float16` has room for the inputs where they are of 16 bits.
    #[inline(always)]
    pub unsafe fn run<V: Vector>(
        &self,
        weights: &PackedWeights,
        from: &Map,
        to: &mut Map,
        windows: Range<usize>,
        float16: &mut Aligned,
    ) {
        let read = self.read(from.shape, windows.len());
        let inputs = &from.values[from.start(windows.start)..][..read];
        let inputs = inputs.as_ptr();
        // SAFETY: by the contract of this function, and checked above.
        unsafe {
            match weights.format {
                Format::Float16 => {
                    assert!(read <= 2 * float16.len());
                    let halves = float16.as_mut_ptr().cast::<u16>();
                    for at in (0..read).step_by(V::LANES) {
                        V::load(inputs.add(at)).store_float16(halves.add(at));
                    }
                    self.multiply::<V, u16>(weights, halves, from.shape, to, windows);
                }
                _ => self.multiply::<V, f32>(weights, inputs, from.shape, to, windows),
            }
        }
    }

    /// Values of a map that are read for `windows` windows, whole vectors of any processor.
    pub fn read(&self, from: Shape, windows: usize) -> usize {
        let last = self.from.last().map_or(0, |&last| last as usize);
        ((windows - 1) * from.values() + last + self.field.extent()).next_multiple_of(WIDEST)
    }

    #[inline(always)]
    unsafe fn multiply<V: Vector, F: Factor>(
        &self,
        weights: &PackedWeights,
        from: *const F,
        from_shape: Shape,
        to: &mut Map,
        windows: Range<usize>,
    ) {
        let start = to.start(windows.start);
        let last = self.to.last().map_or(0, |&last| last as usize);
        let values = last + self.panel.blocks * 2 * V::LANES;
        assert!(start + (windows.len() - 1) * to.shape.values() + values <= to.values.len());
        for block in 0..self.panel.blocks {
            let first = block * 2 * V::LANES;
            let product = Product {
                from,
                from_pixels: Pixels {
                    window: from_shape.values(),
                    offsets: &self.from,
                },
                // SAFETY: checked above.
                to: unsafe { to.values.as_mut_ptr().add(start + first) },
                to_pixels: Pixels {
                    window: to.shape.values(),
                    offsets: &self.to,
                },
                windows: windows.len(),
                field: self.field,
                weights: weights.matrix(&self.panel, block, 0).as_ptr(),
                format: weights.format,
                bias: self.panel.bias[first..].as_ptr(),
                activation: self.activation,
            };
            // SAFETY: by the contract of `run`, and checked above.
            unsafe { F::product::<V>(&product) };
        }
    }
}
