//! The kernel for factors of 16 bits (IEEE 754 binary16, with AVX512-FP16), which has twice the rate of 32-bit floats.
//!
//! Products are summed in 16 bits over short runs of inputs, and the sums of runs in 32 bits. The compiler has no stable
//! intrinsics for the two instructions, so they are assembly.

use std::arch::asm;
use std::arch::x86_64::*;

use crate::model::compiled::product::{Activation, Ahead, Field, MOST_ROWS, Product, STEP, Tile};

/// Inputs whose products are summed in 16 bits: half of them, every second, in a lane.
const RUN: usize = 128;
/// Values of a vector of 32-bit floats.
const LANES: usize = 16;

/// Repeats a statement for the number of every row below `$rows`. The sums stay in registers only if these are constants
/// from the start.
macro_rules! for_rows {
    ($rows:expr, |$row:ident| $statement:expr) => {
        for_rows!($rows, $row, $statement, 0 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    ($rows:expr, $row:ident, $statement:expr, $($number:literal)*) => {
        $(if $number < $rows {
            const $row: usize = $number;
            $statement;
        })*
    };
}

/// Pairs of inputs times pairs of weights (see [`Format::Float16`](super::product::Format::Float16)).
pub(super) struct Float16;

impl Tile<u16> for Float16 {
    // Of 32 registers: 26 for sums, four for weights, one for inputs.
    const MAX_ROWS: usize = 13;

    #[inline(always)]
    unsafe fn compute<const M: usize>(
        product: &Product<u16>,
        from: &[*const u16; MOST_ROWS],
        to: &[*mut f32; MOST_ROWS],
        mut ahead: Ahead,
    ) {
        // SAFETY: by the contract of `Tile`.
        unsafe {
            let bias = [0, LANES].map(|at| product.bias.add(at));
            let bias = [_mm512_loadu_ps(bias[0]), _mm512_loadu_ps(bias[1])];
            for to in &to[..M] {
                _mm512_storeu_ps(*to, bias[0]);
                _mm512_storeu_ps(to.add(LANES), bias[1]);
            }
            let Field {
                rows,
                row_stride,
                run,
            } = product.field;
            let mut weights = product.weights.cast::<i32>();
            let (mut row, mut input) = (0, 0);
            let mut steps = rows * run / STEP;
            while steps > 0 {
                let mut sums = [[_mm512_setzero_si512(); 2]; M];
                let summed = steps.min(RUN / STEP);
                for _ in 0..summed {
                    ahead.fetch();
                    let factors = [
                        _mm512_loadu_si512(weights.cast()),
                        _mm512_loadu_si512(weights.add(LANES).cast()),
                        _mm512_loadu_si512(weights.add(2 * LANES).cast()),
                        _mm512_loadu_si512(weights.add(3 * LANES).cast()),
                    ];
                    weights = weights.add(4 * LANES);
                    let at = row + input;
                    for_rows!(M, |ROW| sums[ROW] =
                        multiply_add(sums[ROW], from[ROW], at, factors));
                    input += STEP;
                    if input == run {
                        input = 0;
                        row += row_stride;
                    }
                }
                steps -= summed;
                let activation = match steps {
                    0 => product.activation,
                    _ => Activation::None,
                };
                add_to(to, &sums, activation);
            }
        }
    }
}

/// Adds the sums of a run to the outputs, followed by an activation.
#[inline(always)]
unsafe fn add_to<const M: usize>(
    to: &[*mut f32; MOST_ROWS],
    sums: &[[__m512i; 2]; M],
    activation: Activation,
) {
    const EVEN: i32 = 0xffff;
    // A ? B : C, bit by bit.
    const CHOOSE: i32 = 0xca;
    // SAFETY: by the contract of `Tile`.
    unsafe {
        let even = _mm512_set1_epi32(EVEN);
        for_rows!(M, |ROW| {
            let [first, second] = sums[ROW];
            // Each word holds the sums of even and of odd inputs; their total for `first` becomes the lower half, that
            // for `second` the upper half.
            let upper = _mm512_slli_epi32::<16>(second);
            let evens = _mm512_ternarylogic_epi32::<CHOOSE>(even, first, upper);
            let lower = _mm512_srli_epi32::<16>(first);
            let odds = _mm512_ternarylogic_epi32::<CHOOSE>(even, lower, second);
            let total = add(evens, odds);
            let half = _mm512_castsi512_si256(total);
            add_half(to[ROW], half, activation);
            let half = _mm512_extracti64x4_epi64::<1>(total);
            add_half(to[ROW].add(LANES), half, activation);
        });
    }
}

/// Adds 16-bit floats to outputs, followed by an activation.
#[inline(always)]
unsafe fn add_half(to: *mut f32, summand: __m256i, activation: Activation) {
    // SAFETY: by the contract of `Tile`.
    unsafe {
        let mut value = _mm512_add_ps(_mm512_loadu_ps(to), _mm512_cvtph_ps(summand));
        if let Activation::Rectifier(slope) = activation {
            value = _mm512_max_ps(value, _mm512_mul_ps(value, _mm512_set1_ps(slope)));
        }
        _mm512_storeu_ps(to, value);
    }
}

/// `sums` + the four values from `inputs[at]` on × `weights`. One piece of assembly, else the compiler would load the
/// inputs of all rows first and run out of registers.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn multiply_add(
    [mut first, mut second]: [__m512i; 2],
    inputs: *const u16,
    at: usize,
    weights: [__m512i; STEP],
) -> [__m512i; 2] {
    // SAFETY: by the contract of `Tile`; only these registers and flags change.
    unsafe {
        asm!(
            "vpbroadcastd {pair}, [{inputs} + 2 * {at}]",
            "vfmadd231ph {first}, {pair}, {a}",
            "vfmadd231ph {second}, {pair}, {b}",
            "vpbroadcastd {pair}, [{inputs} + 2 * {at} + 4]",
            "vfmadd231ph {first}, {pair}, {c}",
            "vfmadd231ph {second}, {pair}, {d}",
            pair = out(zmm_reg) _,
            inputs = in(reg) inputs,
            at = in(reg) at,
            first = inout(zmm_reg) first,
            second = inout(zmm_reg) second,
            a = in(zmm_reg) weights[0],
            b = in(zmm_reg) weights[1],
            c = in(zmm_reg) weights[2],
            d = in(zmm_reg) weights[3],
            options(pure, readonly, nostack)
        );
    }
    [first, second]
}

/// `a` + `b`, each of 32 values of 16 bits.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn add(a: __m512i, b: __m512i) -> __m512i {
    let sum: __m512i;
    // SAFETY: as above.
    unsafe {
        asm!(
            "vaddph {sum}, {a}, {b}",
            sum = out(zmm_reg) sum,
            a = in(zmm_reg) a,
            b = in(zmm_reg) b,
            options(pure, nomem, nostack)
        );
    }
    sum
}
