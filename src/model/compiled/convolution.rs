//! Convolutions and dense layers as products of pixels and weights.

use std::ops::Range;

use crate::model::compiled::map::{Map, Shape};
use crate::model::compiled::packing::{Matrix, PackedWeights, Packer, Panel};
use crate::model::compiled::product::{Activation, Field, Pixels, Product, STEP};
use crate::model::compiled::vector::Vector;

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
    /// that the layer was made for.
    #[inline(always)]
    pub unsafe fn run<V: Vector>(
        &self,
        weights: &PackedWeights,
        from: &Map,
        to: &mut Map,
        windows: Range<usize>,
    ) {
        let starts = (from.start(windows.start), to.start(windows.start));
        let reach = |pixels: &[u32], shape: Shape, values: usize| {
            let last = pixels.last().map_or(0, |&last| last as usize);
            (windows.len() - 1) * shape.values() + last + values
        };
        assert!(starts.0 + reach(&self.from, from.shape, self.field.extent()) <= from.values.len());
        let block = 2 * V::LANES;
        assert!(starts.1 + reach(&self.to, to.shape, self.panel.blocks * block) <= to.values.len());
        for block in 0..self.panel.blocks {
            let first = block * 2 * V::LANES;
            let product = Product {
                // SAFETY: checked above.
                from: unsafe { from.values.as_ptr().add(starts.0) },
                from_pixels: from.pixels(&self.from),
                // SAFETY: checked above.
                to: unsafe { to.values.as_mut_ptr().add(starts.1 + first) },
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
            // SAFETY: by the contract of this function, and checked above.
            unsafe { V::product(&product) };
        }
    }
}
