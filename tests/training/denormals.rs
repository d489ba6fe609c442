//! Numbers below 1.2e-38 in training.

use std::hint::black_box;
use std::thread;

use tch::Tensor;
use vocald::training::denormals;

/// 1e-39 as the processor and libtorch compute it on this thread.
fn small_products() -> [f32; 2] {
    let product = black_box(1e-30_f32) * black_box(1e-9_f32);
    let factors = [1e-30_f32, 1e-9].map(|value| Tensor::from_slice(&[value; 32]));
    let tensor = &factors[0] * &factors[1];
    [product, tensor.double_value(&[7]) as f32]
}

#[test]
#[cfg_attr(
    not(target_arch = "x86_64"),
    ignore = "other processors are left as they are"
)]
fn denormals_are_zero_on_threads_that_train() {
    let train = || {
        denormals::flush_to_zero();
        let child = thread::spawn(small_products).join();
        (small_products(), child.unwrap())
    };
    let (own, child) = thread::spawn(train).join().unwrap();
    assert_eq!((own, child), ([0.0; 2], [0.0; 2]));
    assert!(small_products().iter().all(|&product| product > 0.0));
}
