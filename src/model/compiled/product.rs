//! The kernel of every convolution and dense layer: pixels × weights, a tile of pixels and a block of channels at once.

use crate::model::compiled::vector::Vector;

/// Most rows of any instruction set's tile.
const MOST_ROWS: usize = 14;
/// Runs of inputs are multiples of this: what a loop of the kernel takes at once.
pub(super) const STEP: usize = 4;
/// Bytes that the processor fetches at once.
const CACHE_LINE: usize = 64;

/// How a layer's weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// 32-bit floats.
    Float32,
    /// The upper halves of 32-bit floats, those of two successive inputs in one word, the first in its lower half. The
    /// second is read as the whole word: it was rounded so that the word is closest to the weight.
    Bfloat16,
}

impl Format {
    /// Bytes of a weight.
    pub fn bytes(self) -> usize {
        match self {
            Self::Float32 => 4,
            Self::Bfloat16 => 2,
        }
    }
}

/// What follows a layer's weighted sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Activation {
    None,
    /// The larger of the value and its product with this slope.
    Rectifier(f32),
}

/// Where an output's inputs lie: `rows` runs of `run` successive values, `row_stride` values apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub rows: usize,
    pub row_stride: usize,
    pub run: usize,
}

impl Field {
    pub fn inputs(&self) -> usize {
        self.rows * self.run
    }

    /// Values from the first input to behind the last.
    pub fn extent(&self) -> usize {
        (self.rows - 1) * self.row_stride + self.run
    }
}

/// Where the pixels of a map lie.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    /// Of each pixel of a window.
    pub offsets: &'a [u32],
    /// Values between two windows.
    pub window: usize,
}

/// A block of output channels of all pixels of some windows.
pub(super) struct Product<'a> {
    pub from: *const f32,
    pub from_pixels: Pixels<'a>,
    pub to: *mut f32,
    pub to_pixels: Pixels<'a>,
    pub windows: usize,
    pub field: Field,
    /// Inputs × channels of the block.
    pub weights: *const f32,
    pub format: Format,
    /// One for each channel of the block.
    pub bias: *const f32,
    pub activation: Activation,
}

impl Product<'_> {
    /// Computes the block.
    ///
    /// # Safety
    ///
    /// The processor must have the instruction set of `V`. Every pixel of `from` must have its field, every pixel of
    /// `to` two vectors, `weights` the block and its bias. Call it through [`Vector::product`], which compiles it once.
    #[inline(always)]
    pub unsafe fn compute<V: Vector>(&self) {
        let pixels = self.to_pixels.offsets.len();
        let rows = self.windows * pixels;
        let tiles = rows.div_ceil(match self.format {
            Format::Float32 => V::MAX_ROWS,
            // Two weights at a time need more registers.
            Format::Bfloat16 => V::MAX_ROWS - 1,
        });
        let bytes = self.field.inputs() * 2 * V::LANES * self.format.bytes();
        let ahead = Ahead {
            next: self.weights.cast::<u8>().wrapping_add(bytes),
            lines: (STEP * 2 * V::LANES * self.format.bytes() / CACHE_LINE).div_ceil(tiles),
        };
        let (mut window, mut pixel) = ((self.from, self.to), 0);
        let mut from = [self.from; MOST_ROWS];
        let mut to = [self.to; MOST_ROWS];
        for tile in 0..tiles {
            let (first, end) = (tile * rows / tiles, (tile + 1) * rows / tiles);
            for row in 0..end - first {
                // SAFETY: by the contract of this function.
                unsafe {
                    from[row] = window.0.add(self.from_pixels.offsets[pixel] as usize);
                    to[row] = window.1.add(self.to_pixels.offsets[pixel] as usize);
                }
                pixel += 1;
                if pixel == pixels {
                    pixel = 0;
                    window.0 = window.0.wrapping_add(self.from_pixels.window);
                    window.1 = window.1.wrapping_add(self.to_pixels.window);
                }
            }
            let share = bytes / tiles / CACHE_LINE * CACHE_LINE;
            let ahead = Ahead {
                next: ahead.next.wrapping_add(tile * share),
                ..ahead
            };
            // SAFETY: by the contract of this function; `end - first` pointers were set.
            unsafe {
                match end - first {
                    1 => self.tile::<V, 1>(&from, &to, ahead),
                    2 => self.tile::<V, 2>(&from, &to, ahead),
                    3 => self.tile::<V, 3>(&from, &to, ahead),
                    4 => self.tile::<V, 4>(&from, &to, ahead),
                    5 => self.tile::<V, 5>(&from, &to, ahead),
                    6 => self.tile::<V, 6>(&from, &to, ahead),
                    7 => self.tile::<V, 7>(&from, &to, ahead),
                    8 => self.tile::<V, 8>(&from, &to, ahead),
                    9 => self.tile::<V, 9>(&from, &to, ahead),
                    10 => self.tile::<V, 10>(&from, &to, ahead),
                    11 => self.tile::<V, 11>(&from, &to, ahead),
                    12 => self.tile::<V, 12>(&from, &to, ahead),
                    13 => self.tile::<V, 13>(&from, &to, ahead),
                    _ => self.tile::<V, 14>(&from, &to, ahead),
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<V: Vector, const M: usize>(
        &self,
        from: &[*const f32; MOST_ROWS],
        to: &[*mut f32; MOST_ROWS],
        ahead: Ahead,
    ) {
        // SAFETY: by the contracts of `compute` and `Vector`.
        unsafe {
            let mut sums = match self.format {
                Format::Float32 => self.sums::<V, Float32, M>(from, ahead),
                Format::Bfloat16 => self.sums::<V, Bfloat16, M>(from, ahead),
            };
            if let Activation::Rectifier(slope) = self.activation {
                let slope = V::splat(slope);
                for sum in sums.iter_mut().flatten() {
                    *sum = sum.max(sum.mul(slope));
                }
            }
            for (to, [low, high]) in to.iter().zip(sums) {
                low.store(*to);
                high.store(to.add(V::LANES));
            }
        }
    }

    /// The weighted sums of a tile, bias included.
    #[inline(always)]
    unsafe fn sums<V: Vector, W: Weights, const M: usize>(
        &self,
        from: &[*const f32; MOST_ROWS],
        mut ahead: Ahead,
    ) -> [[V; 2]; M] {
        // SAFETY: by the contracts of `compute` and `Vector`.
        unsafe {
            let bias = [V::load(self.bias), V::load(self.bias.add(V::LANES))];
            let mut sums = [bias; M];
            let mut weights = self.weights;
            let run = self.field.run;
            for row in 0..self.field.rows {
                let shift = row * self.field.row_stride;
                let from: [*const f32; M] = std::array::from_fn(|m| from[m].add(shift));
                let mut input = 0;
                while input < run {
                    ahead.fetch();
                    for pair in 0..STEP / 2 {
                        let at = input + 2 * pair;
                        let [first, second] = W::pair::<V>(&mut weights);
                        accumulate(&mut sums, &from, at, first);
                        accumulate(&mut sums, &from, at + 1, second);
                    }
                    input += STEP;
                }
            }
            sums
        }
    }
}

/// Adds input `at` of every row, times its weights.
#[inline(always)]
unsafe fn accumulate<V: Vector, const M: usize>(
    sums: &mut [[V; 2]; M],
    from: &[*const f32; M],
    at: usize,
    [low, high]: [V; 2],
) {
    for (sum, from) in sums.iter_mut().zip(from) {
        // SAFETY: by the contracts of `compute` and `Vector`.
        unsafe {
            let value = V::splat(*from.add(at));
            sum[0] = value.mul_add(low, sum[0]);
            sum[1] = value.mul_add(high, sum[1]);
        }
    }
}

/// Weights of a [`Format`].
trait Weights {
    /// The weights of two inputs for two vectors of channels; moves the pointer behind them.
    unsafe fn pair<V: Vector>(weights: &mut *const f32) -> [[V; 2]; 2];
}

struct Float32;

impl Weights for Float32 {
    #[inline(always)]
    unsafe fn pair<V: Vector>(weights: &mut *const f32) -> [[V; 2]; 2] {
        // SAFETY: by the contracts of `compute` and `Vector`.
        unsafe {
            let from = *weights;
            *weights = from.add(4 * V::LANES);
            [
                [V::load(from), V::load(from.add(V::LANES))],
                [
                    V::load(from.add(2 * V::LANES)),
                    V::load(from.add(3 * V::LANES)),
                ],
            ]
        }
    }
}

struct Bfloat16;

impl Weights for Bfloat16 {
    #[inline(always)]
    unsafe fn pair<V: Vector>(weights: &mut *const f32) -> [[V; 2]; 2] {
        // SAFETY: by the contracts of `compute` and `Vector`.
        unsafe {
            let low = V::load_pair(*weights);
            let high = V::load_pair(weights.add(V::LANES));
            *weights = weights.add(2 * V::LANES);
            [[low[0], high[0]], [low[1], high[1]]]
        }
    }
}

/// The next block's weights, which are fetched from memory while this one's are in use.
#[derive(Clone, Copy)]
struct Ahead {
    next: *const u8,
    /// Cache lines at a time.
    lines: usize,
}

impl Ahead {
    #[inline(always)]
    fn fetch(&mut self) {
        for _ in 0..self.lines {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: prefetching an address never faults.
            unsafe {
                use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
                _mm_prefetch::<_MM_HINT_T1>(self.next.cast());
            }
            self.next = self.next.wrapping_add(CACHE_LINE);
        }
    }
}
