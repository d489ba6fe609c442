//! Sums of products, the same to the last bit on every processor.

/// Products that are summed side by side. Vectors have a multiple of so many values.
pub const LANES: usize = 32;

/// The sum of the products of two vectors.
pub type Product = fn(&[f32], &[f32]) -> f32;

/// The fastest on this processor.
pub fn product_for_processor() -> Product {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the instructions.
        return |a, b| unsafe { avx2(a, b) };
    }
    portable
}

fn portable(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (a, b) in a
        .as_chunks::<LANES>()
        .0
        .iter()
        .zip(b.as_chunks::<LANES>().0)
    {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sum(sums)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(a: &[f32], b: &[f32]) -> f32 {
    use std::arch::x86_64::{_mm256_add_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_storeu_ps};
    const WIDTH: usize = 8;
    let mut vectors = [std::arch::x86_64::_mm256_setzero_ps(); LANES / WIDTH];
    for (a, b) in a
        .as_chunks::<LANES>()
        .0
        .iter()
        .zip(b.as_chunks::<LANES>().0)
    {
        for (place, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: both have LANES values.
            let [a, b] =
                unsafe { [a, b].map(|values| _mm256_loadu_ps(values.as_ptr().add(place * WIDTH))) };
            *vector = _mm256_add_ps(*vector, _mm256_mul_ps(a, b));
        }
    }
    // The first steps of `sum`.
    let [first, second, third, fourth] = vectors;
    let halves = [_mm256_add_ps(first, third), _mm256_add_ps(second, fourth)];
    let mut sums = [0.0; WIDTH];
    // SAFETY: there are WIDTH sums.
    unsafe { _mm256_storeu_ps(sums.as_mut_ptr(), _mm256_add_ps(halves[0], halves[1])) };
    sum(sums)
}

/// The sum of a power of two of values, half onto half.
fn sum<const COUNT: usize>(mut values: [f32; COUNT]) -> f32 {
    let mut width = COUNT / 2;
    while width > 0 {
        for place in 0..width {
            values[place] += values[place + width];
        }
        width /= 2;
    }
    values[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_instructions_sum_in_the_same_order() {
        let values = |seed: f32| -> Vec<f32> {
            (0..7 * LANES)
                .map(|n| (n as f32 * seed).sin() * 1e3)
                .collect()
        };
        let (a, b) = (values(0.7), values(1.3));
        let found = product_for_processor()(&a, &b);
        assert_eq!(found.to_bits(), portable(&a, &b).to_bits());
    }
}
