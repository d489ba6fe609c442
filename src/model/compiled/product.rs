//! The kernel of every convolution and dense layer: pixels × weights, a tile of pixels and a block of channels at once.

use crate::model::compiled::vector::Vector;

/// Most rows of any instruction set's tile.
pub(super) const MOST_ROWS: usize = 14;
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
    /// 16-bit floats (IEEE 754 binary16), those of two successive inputs in one word, the first in its lower half. Of a
    /// block's channels, even ones come before odd ones. The layers' inputs have this format as well.
    Float16,
}

impl Format {
    /// Bytes of a weight.
    pub fn bytes(self) -> usize {
        match self {
            Self::Float32 => 4,
            Self::Bfloat16 | Self::Float16 => 2,
        }
    }
}

/// What follows a layer's weighted sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Activation {
    None,
    /// The larger of the value and its product with this slope. What is not a number stays so, and with slope zero an
    /// infinite value becomes one of those.
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

/// A block of output channels of all pixels of some windows, from inputs of type `I`.
pub(super) struct Product<'a, I = f32> {
    pub from: *const I,
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

/// Computes some rows of a product at once.
///
/// # Safety
///
/// As for [`Product::compute`]. The arrays hold pointers to the inputs and outputs of `M` rows.
pub(super) trait Tile<I> {
    /// Rows whose sums fit into the registers.
    const MAX_ROWS: usize;
    unsafe fn compute<const M: usize>(
        product: &Product<I>,
        from: &[*const I; MOST_ROWS],
        to: &[*mut f32; MOST_ROWS],
        ahead: Ahead,
    );
}

impl<I> Product<'_, I> {
    /// Computes the block, of `channels` channels.
    ///
    /// # Safety
    ///
    /// The processor must have the instruction set of `T`, for whose format the weights were packed. Every pixel of
    /// `from` must have its field, every pixel of `to` two vectors, `weights` the block and its bias. Call it through
    /// [`Factor::product`], which compiles it once.
    #[inline(always)]
    pub unsafe fn compute<T: Tile<I>>(&self, channels: usize) {
        let pixels = self.to_pixels.offsets.len();
        let rows = self.windows * pixels;
        let tiles = rows.div_ceil(T::MAX_ROWS);
        let bytes = self.field.inputs() * channels * self.format.bytes();
        let ahead = Ahead {
            next: self.weights.cast::<u8>().wrapping_add(bytes),
            lines: (STEP * channels * self.format.bytes() / CACHE_LINE).div_ceil(tiles),
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
                    1 => T::compute::<1>(self, &from, &to, ahead),
                    2 => T::compute::<2>(self, &from, &to, ahead),
                    3 => T::compute::<3>(self, &from, &to, ahead),
                    4 => T::compute::<4>(self, &from, &to, ahead),
                    5 => T::compute::<5>(self, &from, &to, ahead),
                    6 => T::compute::<6>(self, &from, &to, ahead),
                    7 => T::compute::<7>(self, &from, &to, ahead),
                    8 => T::compute::<8>(self, &from, &to, ahead),
                    9 => T::compute::<9>(self, &from, &to, ahead),
                    10 => T::compute::<10>(self, &from, &to, ahead),
                    11 => T::compute::<11>(self, &from, &to, ahead),
                    12 => T::compute::<12>(self, &from, &to, ahead),
                    13 => T::compute::<13>(self, &from, &to, ahead),
                    _ => T::compute::<14>(self, &from, &to, ahead),
                }
            }
        }
    }
}

/// The next block's weights, which are fetched from memory while this one's are in use.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    next: *const u8,
    /// Cache lines at a time.
    lines: usize,
}

impl Ahead {
    #[inline(always)]
    pub fn fetch(&mut self) {
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

/// The type of a layer's inputs: 32-bit floats, or the bits of 16-bit ones.
pub(super) trait Factor: Copy {
    /// # Safety
    ///
    /// As for [`Vector::store`].
    unsafe fn store<V: Vector>(value: V, to: *mut Self);
    /// # Safety
    ///
    /// As for [`Product::compute`].
    unsafe fn product<V: Vector>(product: &Product<Self>);
}

impl Factor for f32 {
    #[inline(always)]
    unsafe fn store<V: Vector>(value: V, to: *mut Self) {
        // SAFETY: by the contract of this function.
        unsafe { value.store(to) }
    }
    #[inline(always)]
    unsafe fn product<V: Vector>(product: &Product<Self>) {
        // SAFETY: by the contract of this function.
        unsafe { V::product(product) }
    }
}

impl Factor for u16 {
    #[inline(always)]
    unsafe fn store<V: Vector>(value: V, to: *mut Self) {
        // SAFETY: by the contract of this function.
        unsafe { value.store_float16(to) }
    }
    #[inline(always)]
    unsafe fn product<V: Vector>(product: &Product<Self>) {
        // SAFETY: by the contract of this function.
        unsafe { V::product_float16(product) }
    }
}
