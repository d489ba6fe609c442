//! 3 × 3 convolutions without a stride, by Winograd's minimal filtering F(2 × 2, 3 × 3) (Lavin & Gray 2016): 16
//! multiplications for four outputs in place of 36.
//!
//! Tiles of 4 × 4 inputs overlap by two. Inputs and weights are transformed, multiplied place by place, and the products
//! transformed back to 2 × 2 outputs.

use std::ops::Range;

use crate::model::compiled::aligned::Aligned;
use crate::model::compiled::convolution::Kernel;
use crate::model::compiled::map::{Map, Shape};
use crate::model::compiled::packing::{Matrix, PackedWeights, Packer, Panel};
use crate::model::compiled::product::{Activation, Factor, Field, Format, Pixels, Product};
use crate::model::compiled::vector::Vector;

/// Places of a tile.
const PLACES: usize = 16;
/// The bias follows the transformation.
static NO_BIAS: [f32; 32] = [0.0; 32];
/// Pixels of a map that is worth the transformations.
const LARGE: usize = 100;

/// Tiles that are transformed and multiplied before the next, so that they stay in the cache.
const CHUNK: usize = 112;
/// Values between the places' values, so that they do not compete for the same lines of the cache.
const APART: usize = 16;

/// A 3 × 3 convolution with a border of 1, which keeps the size of the map.
pub(super) struct Winograd {
    panel: Panel,
    channels: usize,
    /// Rows and columns of tiles in a map.
    tiles: [usize; 2],
    /// The places of a chunk's tiles among the transformed inputs of a place, and among its products.
    inputs: Vec<u32>,
    products: Vec<u32>,
    activation: Activation,
}

/// Memory for the transformed inputs of a chunk of tiles, and for their products with a block of channels.
#[derive(Clone)]
pub(super) struct Scratch {
    inputs: Aligned,
    products: Aligned,
}

impl Scratch {
    /// Memory for all of these layers.
    pub fn new<'a>(layers: impl Iterator<Item = &'a Winograd>) -> Self {
        let sizes = layers.map(|layer| {
            let block = layer.panel.bias.len() / layer.panel.blocks;
            [layer.channels, block].map(|values| PLACES * apart(values))
        });
        let [inputs, products] = sizes.fold([0, 0], |[a, b], [c, d]| [a.max(c), b.max(d)]);
        Self {
            inputs: Aligned::zeros(inputs),
            products: Aligned::zeros(products),
        }
    }
}

impl Winograd {
    /// Whether a convolution from `from` to `to` is computed so. Tiles must fit into the map, and on a small map the
    /// weights, which are 16 / 9 as many, would take longer to read than the multiplications that they save.
    pub fn suits(kernel: &Kernel, [from, to]: [Shape; 2], [stride, padding]: [usize; 2]) -> bool {
        let same = [from.height, from.width] == [to.height, to.width];
        let is_even = from.height % 2 == 0 && from.width % 2 == 0;
        let is_large = from.height * from.width >= LARGE;
        kernel.size == [3, 3] && stride == 1 && padding == 1 && same && is_even && is_large
    }

    pub fn new(packer: &mut Packer, kernel: &Kernel, from: Shape, activation: Activation) -> Self {
        let channels = from.channels;
        let transformed: Vec<[f32; PLACES]> = (0..kernel.bias.len() * channels)
            .map(|at| transformed_weights(kernel, at / channels, at % channels))
            .collect();
        let transformed = &transformed;
        let weights: Vec<_> = (0..PLACES)
            .map(|place| {
                move |input: usize, output: usize| transformed[output * channels + input][place]
            })
            .collect();
        let matrix = |weight| Matrix {
            inputs: channels,
            outputs: kernel.bias.len(),
            weight,
        };
        let matrices: Vec<_> = weights.iter().map(|weight| matrix(weight)).collect();
        let block = packer.set.block_channels();
        let places = |width: usize| (0..CHUNK).map(|tile| (tile * width) as u32).collect();
        Self {
            panel: packer.add(Self::field(channels), &matrices, &kernel.bias),
            channels,
            tiles: [from.height / 2, from.width / 2],
            inputs: places(channels),
            products: places(block),
            activation,
        }
    }

    fn field(channels: usize) -> Field {
        Field {
            rows: 1,
            row_stride: 0,
            run: channels,
        }
    }

    /// # Safety
    ///
    /// As for [`Convolution::run`](super::convolution::Convolution::run).
    #[inline(always)]
    pub unsafe fn run<V: Vector>(
        &self,
        weights: &PackedWeights,
        from: &Map,
        to: &mut Map,
        windows: Range<usize>,
        scratch: &mut Scratch,
    ) {
        let block_channels = 2 * V::LANES;
        assert!(scratch.inputs.len() >= PLACES * apart(self.channels));
        assert!(scratch.products.len() >= PLACES * apart(block_channels));
        let per_window = self.tiles[0] * self.tiles[1];
        let (first, tiles) = (windows.start * per_window, windows.len() * per_window);
        let chunks = tiles.div_ceil(CHUNK);
        for chunk in 0..chunks {
            let tiles = first + chunk * tiles / chunks..first + (chunk + 1) * tiles / chunks;
            // SAFETY: by the contract of this function, and checked above.
            unsafe {
                match weights.format {
                    Format::Float16 => self.chunk::<V, u16>(weights, from, to, tiles, scratch),
                    _ => self.chunk::<V, f32>(weights, from, to, tiles, scratch),
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn chunk<V: Vector, F: Factor>(
        &self,
        weights: &PackedWeights,
        from: &Map,
        to: &mut Map,
        tiles: Range<usize>,
        scratch: &mut Scratch,
    ) {
        // SAFETY: by the contract of `run`.
        unsafe {
            self.transform_inputs::<V, F>(from, tiles.clone(), scratch);
            for block in 0..self.panel.blocks {
                for place in 0..PLACES {
                    self.multiply::<V, F>(weights, block, place, tiles.len(), scratch);
                }
                self.transform_outputs::<V>(scratch, to, tiles.clone(), block);
            }
        }
    }

    /// The products of a place of all tiles of a chunk with its weights for a block of channels.
    #[inline(always)]
    unsafe fn multiply<V: Vector, F: Factor>(
        &self,
        weights: &PackedWeights,
        block: usize,
        place: usize,
        tiles: usize,
        scratch: &mut Scratch,
    ) {
        let pixels = |offsets| Pixels { offsets, window: 0 };
        // SAFETY: by the contract of `run`.
        unsafe {
            let to = place * apart(2 * V::LANES);
            let from = scratch.inputs.as_ptr().cast::<F>();
            F::product::<V>(&Product {
                from: from.add(place * apart(self.channels)),
                from_pixels: pixels(&self.inputs[..tiles]),
                to: scratch.products.as_mut_ptr().add(to),
                to_pixels: pixels(&self.products[..tiles]),
                windows: 1,
                field: Self::field(self.channels),
                weights: weights.matrix(&self.panel, block, place).as_ptr(),
                format: weights.format,
                bias: NO_BIAS.as_ptr(),
                activation: Activation::None,
            });
        }
    }

    /// The window of a tile, and its row and column in it.
    #[inline(always)]
    fn place(&self, tile: usize) -> [usize; 3] {
        let [rows, columns] = self.tiles;
        [tile / columns / rows, tile / columns % rows, tile % columns]
    }

    #[inline(always)]
    unsafe fn transform_inputs<V: Vector, F: Factor>(
        &self,
        from: &Map,
        tiles: Range<usize>,
        scratch: &mut Scratch,
    ) {
        let (row, channels) = (from.shape.row(), self.channels);
        for (at, tile) in tiles.enumerate() {
            let [window, y, x] = self.place(tile);
            let first = from.start(window) + 2 * y * row + 2 * x * channels;
            assert!(first + 3 * row + 4 * channels <= from.values.len());
            for channel in (0..channels).step_by(V::LANES) {
                // SAFETY: the tile lies in the map with its border, as checked above.
                unsafe {
                    let corner = from.values.as_ptr().add(first + channel);
                    let mut lines = load_tile::<V>(corner, row, channels);
                    for line in &mut lines {
                        *line = input_line(*line);
                    }
                    let to = scratch.inputs.as_mut_ptr().cast::<F>();
                    let to = to.add(at * channels + channel);
                    #[allow(clippy::needless_range_loop)] // A column of four lines.
                    for x in 0..4 {
                        let column = [lines[0][x], lines[1][x], lines[2][x], lines[3][x]];
                        for (y, value) in input_line(column).into_iter().enumerate() {
                            F::store(value, to.add((4 * y + x) * apart(channels)));
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn transform_outputs<V: Vector>(
        &self,
        scratch: &Scratch,
        to: &mut Map,
        tiles: Range<usize>,
        block: usize,
    ) {
        let block_channels = 2 * V::LANES;
        let shape = to.shape;
        let slope = match self.activation {
            Activation::Rectifier(slope) => Some(slope),
            Activation::None => None,
        };
        for (at, tile) in tiles.enumerate() {
            let [window, y, x] = self.place(tile);
            let first = to.start(window)
                + shape.offset(2 * y as isize, 2 * x as isize)
                + block * block_channels;
            let last = first + shape.row() + shape.channels;
            assert!(last + block_channels <= to.values.len());
            for vector in 0..2 {
                // SAFETY: the outputs lie in the map, as checked above; the rest by the contract of `run`.
                unsafe {
                    let from = scratch.products.as_ptr();
                    let from = from.add(at * block_channels + vector * V::LANES);
                    let place = apart(block_channels);
                    let [a, b, c, d] = load_tile::<V>(from, 4 * place, place);
                    let lines = [
                        output_line(a),
                        output_line(b),
                        output_line(c),
                        output_line(d),
                    ];
                    let bias = block * block_channels + vector * V::LANES;
                    let bias = V::load(self.panel.bias.as_ptr().add(bias));
                    let corner = to.values.as_mut_ptr().add(first + vector * V::LANES);
                    #[allow(clippy::needless_range_loop)] // A column of four lines.
                    for x in 0..2 {
                        let column = [lines[0][x], lines[1][x], lines[2][x], lines[3][x]];
                        for (y, value) in output_line(column).into_iter().enumerate() {
                            let mut value = value.add(bias);
                            if let Some(slope) = slope {
                                value = value.max(value.mul(V::splat(slope)));
                            }
                            value.store(corner.add(y * shape.row() + x * shape.channels));
                        }
                    }
                }
            }
        }
    }
}

/// Values from a place to the next, for tiles of `values`.
fn apart(values: usize) -> usize {
    CHUNK * values + APART
}

/// A vector of each of 4 × 4 places.
#[inline(always)]
unsafe fn load_tile<V: Vector>(corner: *const f32, row: usize, column: usize) -> [[V; 4]; 4] {
    // No closures here: they would not be compiled for the instruction set.
    // SAFETY: by the contracts of this function and `Vector`.
    unsafe {
        let mut tile = [[V::splat(0.0); 4]; 4];
        for (y, line) in tile.iter_mut().enumerate() {
            for (x, value) in line.iter_mut().enumerate() {
                *value = V::load(corner.add(y * row + x * column));
            }
        }
        tile
    }
}

/// A line of four inputs, transformed.
#[inline(always)]
unsafe fn input_line<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 4] {
    // SAFETY: by the contracts of this function and `Vector`.
    unsafe { [a.sub(c), b.add(c), c.sub(b), b.sub(d)] }
}

/// A line of four products, transformed to two outputs.
#[inline(always)]
unsafe fn output_line<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 2] {
    // SAFETY: by the contracts of this function and `Vector`.
    unsafe { [a.add(b).add(c), b.sub(c).sub(d)] }
}

/// The 3 × 3 weights between two channels, transformed to 4 × 4.
fn transformed_weights(kernel: &Kernel, output: usize, input: usize) -> [f32; PLACES] {
    let line = |[a, b, c]: [f64; 3]| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
    let weight = |y, x| f64::from(kernel.at(output, input, [y, x]));
    let lines: [[f64; 4]; 3] = std::array::from_fn(|y| line(std::array::from_fn(|x| weight(y, x))));
    let columns: [[f64; 4]; 4] = std::array::from_fn(|x| line(lines.map(|line| line[x])));
    std::array::from_fn(|place| columns[place % 4][place / 4] as f32)
}
