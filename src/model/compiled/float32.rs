//! The kernel for inputs of 32-bit floats, with weights of 32 or 16 bits.

use std::marker::PhantomData;

use crate::model::compiled::product::{Activation, Ahead, MOST_ROWS, Product, STEP, Tile};
use crate::model::compiled::vector::Vector;

/// Products of vectors `V` of 32-bit floats, with weights in the format of `W`.
pub(super) struct Floats<V, W>(PhantomData<(V, W)>);

impl<V: Vector, W: Weights> Tile<f32> for Floats<V, W> {
    const MAX_ROWS: usize = V::MAX_ROWS - W::FEWER_ROWS;

    #[inline(always)]
    unsafe fn compute<const M: usize>(
        product: &Product,
        from: &[*const f32; MOST_ROWS],
        to: &[*mut f32; MOST_ROWS],
        ahead: Ahead,
    ) {
        // SAFETY: by the contracts of `Tile` and `Vector`.
        unsafe {
            let mut sums = product.sums::<V, W, M>(from, ahead);
            if let Activation::Rectifier(slope) = product.activation {
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
}

impl Product<'_> {
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
pub(super) trait Weights {
    /// Rows less in a tile: two weights at a time need more registers.
    const FEWER_ROWS: usize;
    /// The weights of two inputs for two vectors of channels; moves the pointer behind them.
    unsafe fn pair<V: Vector>(weights: &mut *const f32) -> [[V; 2]; 2];
}

pub(super) struct Float32;

impl Weights for Float32 {
    const FEWER_ROWS: usize = 0;

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

pub(super) struct Bfloat16;

impl Weights for Bfloat16 {
    const FEWER_ROWS: usize = 1;

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
