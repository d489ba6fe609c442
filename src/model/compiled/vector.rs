//! Vectors of 32-bit floats: AVX-512 and AVX2 with FMA.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::model::compiled::product::Product;

/// An instruction set that the kernels are written for. A value exists only where the processor has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// AVX-512 F.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
}

impl InstructionSet {
    /// The best that this processor has; `None` where there is neither.
    #[must_use]
    pub fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Some(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Some(Self::Avx2);
            }
        }
        None
    }

    /// Output channels that a kernel computes at once: two vectors.
    pub(super) fn block_channels(self) -> usize {
        match self {
            Self::Avx512 => 32,
            Self::Avx2 => 16,
        }
    }
}

/// A vector of 32-bit floats.
///
/// # Safety
///
/// The processor must have the vector's instruction set wherever a method is called, and pointers must be valid for
/// [`Vector::LANES`] values.
pub(super) unsafe trait Vector: Copy {
    /// Floats in the vector.
    const LANES: usize;
    /// Rows of a tile of two vectors each whose sums, with two weights and a factor, fit into the registers.
    const MAX_ROWS: usize;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    /// `self` × `factor` + `summand`, rounded once.
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// [`Product::compute`] for this vector.
    unsafe fn product(product: &Product);
    /// Floats whose upper halves are the lower halves of the 32-bit words at `from`, and the words themselves.
    unsafe fn load_pair(from: *const f32) -> [Self; 2];
}

// SAFETY: every method is one or two instructions of AVX-512 F.
#[cfg(target_arch = "x86_64")]
unsafe impl Vector for __m512 {
    #[target_feature(enable = "avx512f")]
    unsafe fn product(product: &Product) {
        // SAFETY: by the contract of the trait and of `compute`.
        unsafe { product.compute::<Self>() }
    }
    const LANES: usize = 16;
    const MAX_ROWS: usize = 14;
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm512_storeu_ps(to, self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm512_add_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm512_sub_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm512_mul_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm512_max_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm512_fmadd_ps(self, factor, summand) }
    }
    #[inline(always)]
    unsafe fn load_pair(from: *const f32) -> [Self; 2] {
        // SAFETY: by the contract of `Vector`.
        unsafe {
            let words = _mm512_loadu_ps(from);
            let lower = _mm512_slli_epi32::<16>(_mm512_castps_si512(words));
            [_mm512_castsi512_ps(lower), words]
        }
    }
}

// SAFETY: every method is one or two instructions of AVX2 or FMA.
#[cfg(target_arch = "x86_64")]
unsafe impl Vector for __m256 {
    #[target_feature(enable = "avx2,fma")]
    unsafe fn product(product: &Product) {
        // SAFETY: by the contract of the trait and of `compute`.
        unsafe { product.compute::<Self>() }
    }
    const LANES: usize = 8;
    const MAX_ROWS: usize = 6;
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm256_set1_ps(value) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm256_storeu_ps(to, self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm256_add_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm256_sub_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm256_mul_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm256_max_ps(self, other) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe { _mm256_fmadd_ps(self, factor, summand) }
    }
    #[inline(always)]
    unsafe fn load_pair(from: *const f32) -> [Self; 2] {
        // SAFETY: by the contract of `Vector`.
        unsafe {
            let words = _mm256_loadu_ps(from);
            let lower = _mm256_slli_epi32::<16>(_mm256_castps_si256(words));
            [_mm256_castsi256_ps(lower), words]
        }
    }
}
