//! The steps of a pass over a network, each from maps to a map.

use std::ops::Range;

use crate::model::compiled::aligned::Aligned;
use crate::model::compiled::convolution::Convolution;
use crate::model::compiled::map::Map;
use crate::model::compiled::overflow;
use crate::model::compiled::packing::PackedWeights;
use crate::model::compiled::product::Format;
use crate::model::compiled::vector::Vector;
use crate::model::compiled::winograd::{Scratch, Winograd};

/// The number of a map among those of a pass.
pub(super) type MapId = usize;

/// A step of a pass.
pub(super) enum Step {
    /// A convolution or a dense layer.
    Product {
        layer: Layer,
        from: MapId,
        to: MapId,
    },
    /// The largest value of every square of `size` pixels, `stride` apart, the first of which starts `padding` before
    /// the map. The border's zeros count.
    MaxPool {
        from: MapId,
        to: MapId,
        size: usize,
        stride: usize,
        padding: usize,
    },
    /// The mean of every channel.
    Mean { from: MapId, to: MapId },
    /// Multiplies every channel of `map` by the sigmoid of its gate, adds the shortcut, and rectifies.
    Gate {
        gate: MapId,
        map: MapId,
        shortcut: MapId,
    },
}

/// A convolution, by one of two algorithms.
pub(super) enum Layer {
    Direct(Convolution),
    Winograd(Winograd),
}

/// What a pass writes to.
#[derive(Clone)]
pub(super) struct Memory {
    pub maps: Vec<Map>,
    pub scratch: Scratch,
    /// The inputs of a layer as 16-bit floats, if they are multiplied so.
    pub float16: Aligned,
    /// Whether a number was too large for 16 bits.
    pub overflowed: bool,
}

impl Step {
    /// The maps that the step reads and writes.
    pub fn maps(&self) -> Vec<MapId> {
        match *self {
            Self::Product { from, to, .. }
            | Self::MaxPool { from, to, .. }
            | Self::Mean { from, to } => vec![from, to],
            Self::Gate {
                gate,
                map,
                shortcut,
            } => vec![gate, map, shortcut],
        }
    }

    /// # Safety
    ///
    /// The processor must have the instruction set of `V`, for which `weights` were packed. `memory` must be made for
    /// the program of the step and for as many windows.
    #[inline(always)]
    pub unsafe fn run<V: Vector>(
        &self,
        weights: &PackedWeights,
        memory: &mut Memory,
        windows: Range<usize>,
    ) {
        let Memory {
            maps,
            scratch,
            float16,
            overflowed,
        } = memory;
        match self {
            Self::Product { layer, from, to } => {
                let [from, to] = several(maps, [*from, *to]);
                if weights.format == Format::Float16 {
                    overflow::clear();
                }
                // SAFETY: by the contract of this function.
                unsafe {
                    match layer {
                        Layer::Direct(layer) => {
                            layer.run::<V>(weights, from, to, windows, float16);
                        }
                        Layer::Winograd(layer) => {
                            layer.run::<V>(weights, from, to, windows, scratch);
                        }
                    }
                }
                *overflowed |= weights.format == Format::Float16 && overflow::is_recorded();
            }
            Self::MaxPool {
                from,
                to,
                size,
                stride,
                padding,
            } => {
                let [from, to] = several(maps, [*from, *to]);
                for window in windows {
                    // SAFETY: by the contract of this function.
                    unsafe { max_pool::<V>(from, to, window, [*size, *stride, *padding]) };
                }
            }
            Self::Mean { from, to } => {
                let [from, to] = several(maps, [*from, *to]);
                for window in windows {
                    mean(from, to, window);
                }
            }
            Self::Gate {
                gate,
                map,
                shortcut,
            } => {
                let [gate, shortcut, map] = several(maps, [*gate, *shortcut, *map]);
                for window in windows {
                    let gates = row_mut(gate, window, 0);
                    gates.iter_mut().for_each(|gate| *gate = sigmoid(*gate));
                    apply_gates(gates, shortcut, map, window);
                }
            }
        }
    }
}

/// Different maps.
fn several<const N: usize>(maps: &mut [Map], ids: [MapId; N]) -> [&mut Map; N] {
    match maps.get_disjoint_mut(ids) {
        Ok(maps) => maps,
        Err(_) => unreachable!("a step from a map to itself"),
    }
}

fn sigmoid(x: f32) -> f32 {
    (1.0 + (-x).exp()).recip()
}

/// The values of row `y` of a window's map, without the border.
#[inline(always)]
fn row(map: &Map, window: usize, y: usize) -> &[f32] {
    let shape = map.shape;
    let first = map.start(window) + shape.offset(y as isize, 0);
    &map.values[first..][..shape.width * shape.channels]
}

#[inline(always)]
fn row_mut(map: &mut Map, window: usize, y: usize) -> &mut [f32] {
    let shape = map.shape;
    let first = map.start(window) + shape.offset(y as isize, 0);
    &mut map.values[first..][..shape.width * shape.channels]
}

/// # Safety
///
/// As for [`Step::run`].
#[inline(always)]
unsafe fn max_pool<V: Vector>(
    from: &Map,
    to: &mut Map,
    window: usize,
    [size, stride, padding]: [usize; 3],
) {
    let (row, channels) = (from.shape.row(), from.shape.channels);
    let corner = |at: usize| (at * stride) as isize - padding as isize;
    for y in 0..to.shape.height {
        for (x, to) in row_mut(to, window, y)
            .chunks_exact_mut(channels)
            .enumerate()
        {
            let first = from.start(window) + from.shape.offset(corner(y), corner(x));
            let field = &from.values[first..][..(size - 1) * (row + channels) + channels];
            for channel in (0..channels).step_by(V::LANES) {
                // SAFETY: the field has been cut out above, and channels fill whole vectors.
                unsafe {
                    let corner = field.as_ptr().add(channel);
                    let mut largest = V::load(corner);
                    for row in (0..size).map(|y| y * row) {
                        for column in (0..size).map(|x| x * channels) {
                            largest = largest.max_or_nan(V::load(corner.add(row + column)));
                        }
                    }
                    largest.store(to.as_mut_ptr().add(channel));
                }
            }
        }
    }
}

#[inline(always)]
fn mean(from: &Map, to: &mut Map, window: usize) {
    let shape = from.shape;
    let to = row_mut(to, window, 0);
    to.fill(0.0);
    for y in 0..shape.height {
        for pixel in row(from, window, y).chunks_exact(shape.channels) {
            for (to, from) in to.iter_mut().zip(pixel) {
                *to += from;
            }
        }
    }
    let factor = ((shape.height * shape.width) as f32).recip();
    to.iter_mut().for_each(|to| *to *= factor);
}

#[inline(always)]
fn apply_gates(gates: &[f32], shortcut: &Map, map: &mut Map, window: usize) {
    let channels = map.shape.channels;
    let gates = &gates[..channels];
    for y in 0..map.shape.height {
        let shortcut = row(shortcut, window, y).chunks_exact(channels);
        let pixels = row_mut(map, window, y).chunks_exact_mut(channels);
        for (pixel, shortcut) in pixels.zip(shortcut) {
            for ((value, gate), shortcut) in pixel.iter_mut().zip(gates).zip(shortcut) {
                let sum = value.mul_add(*gate, *shortcut);
                // Unlike `f32::max`, this keeps what is not a number.
                *value = if 0.0 > sum { 0.0 } else { sum };
            }
        }
    }
}
