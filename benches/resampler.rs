//! Time that `Resampler::push` takes for 10 ms of sound at 48 kHz.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vocald::frontend::resample::Resampler;

const INPUT_RATE_HZ: u32 = 48_000;
/// 10 ms, a usual period of a sound card.
const BLOCK_SAMPLES: usize = 480;

fn resampler(c: &mut Criterion) {
    let block: Vec<f32> = (0..BLOCK_SAMPLES)
        .map(|n| (n as f32 * 0.05).sin() * 0.1)
        .collect();
    let mut resampler = Resampler::new(INPUT_RATE_HZ).unwrap();
    let mut out = Vec::new();

    let mut group = c.benchmark_group("resampler");
    group.throughput(Throughput::Elements(BLOCK_SAMPLES as u64));
    group.bench_function("48 kHz to 22.05 kHz, 10 ms", |b| {
        b.iter(|| {
            out.clear();
            resampler.push(black_box(&block), &mut out);
            black_box(&out);
        });
    });
    group.finish();
}

criterion_group!(benches, resampler);
criterion_main!(benches);
