//! Vectors of 32-bit floats: AVX-512 and AVX2 with FMA.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(target_arch = "x86_64")]
use crate::model::compiled::float16::Float16;
use crate::model::compiled::float32::{Bfloat16, Float32, Floats};
use crate::model::compiled::product::{Format, Product};

/// Floats in the widest vector.
pub(super) const WIDEST: usize = 16;

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

    /// Whether products of 16-bit floats are possible: AVX512-FP16.
    #[must_use]
    pub fn has_float16(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self == Self::Avx512 && is_x86_feature_detected!("avx512fp16");
        #[cfg(not(target_arch = "x86_64"))]
        false
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
    /// The larger; `other` where either is not a number.
    unsafe fn max(self, other: Self) -> Self;
    /// The larger; not a number where either is not.
    unsafe fn max_or_nan(self, other: Self) -> Self;
    /// `self` × `factor` + `summand`, rounded once.
    unsafe fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// [`Product::compute`] for this vector.
    unsafe fn product(product: &Product);
    /// The same for 16-bit floats. The processor must have AVX512-FP16.
    unsafe fn product_float16(_: &Product<u16>) {
        unreachable!("16-bit floats without AVX512-FP16");
    }
    /// Stores the nearest 16-bit floats. The processor must have AVX512-FP16.
    unsafe fn store_float16(self, _: *mut u16) {
        unreachable!("16-bit floats without AVX512-FP16");
    }
    /// Floats whose upper halves are the lower halves of the 32-bit words at `from`, and the words themselves.
    unsafe fn load_pair(from: *const f32) -> [Self; 2];
}

/// # Safety
///
/// As for [`Product::compute`].
#[inline(always)]
unsafe fn product_of_floats<V: Vector>(product: &Product) {
    let channels = 2 * V::LANES;
    // SAFETY: by the contract of this function.
    unsafe {
        match product.format {
            Format::Float32 => product.compute::<Floats<V, Float32>>(channels),
            Format::Bfloat16 => product.compute::<Floats<V, Bfloat16>>(channels),
            Format::Float16 => unreachable!("32-bit inputs of 16-bit products"),
        }
    }
}

// SAFETY: every method is one or two instructions of AVX-512 F.
#[cfg(target_arch = "x86_64")]
unsafe impl Vector for __m512 {
    #[target_feature(enable = "avx512f")]
    unsafe fn product(product: &Product) {
        // SAFETY: by the contract of the trait and of `compute`.
        unsafe { product_of_floats::<Self>(product) }
    }
    #[target_feature(enable = "avx512f")]
    unsafe fn product_float16(product: &Product<u16>) {
        // SAFETY: as above.
        unsafe { product.compute::<Float16>(2 * Self::LANES) }
    }
    #[inline(always)]
    unsafe fn store_float16(self, to: *mut u16) {
        // SAFETY: by the contract of `Vector`.
        unsafe {
            let nearest = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT }>(self);
            _mm256_storeu_si256(to.cast(), nearest);
        }
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
    unsafe fn max_or_nan(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe {
            let is_number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(self, self);
            _mm512_mask_max_ps(self, is_number, self, other)
        }
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

// SAFETY: every method is one to three instructions of AVX2 or FMA.
#[cfg(target_arch = "x86_64")]
unsafe impl Vector for __m256 {
    #[target_feature(enable = "avx2,fma")]
    unsafe fn product(product: &Product) {
        // SAFETY: by the contract of the trait and of `compute`.
        unsafe { product_of_floats::<Self>(product) }
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
    unsafe fn max_or_nan(self, other: Self) -> Self {
        // SAFETY: by the contract of `Vector`.
        unsafe {
            let is_no_number = _mm256_cmp_ps::<_CMP_UNORD_Q>(self, self);
            _mm256_blendv_ps(_mm256_max_ps(self, other), self, is_no_number)
        }
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
