//! Time of a forward pass of the built-in checkpoint on the CPU, with 1 and with 16 windows.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vocald::frontend::{WINDOW_HOP_SAMPLES, Window};
use vocald::inference::{ComputeDevice, ComputePrecision, Engine};

fn engine(c: &mut Criterion) {
    let mut engine = Engine::load(None, ComputeDevice::Cpu, ComputePrecision::Auto).unwrap();
    let log_mel: Vec<f32> = (0..engine.window().values())
        .map(|i| -5.0 + (i % 97) as f32 * 0.05)
        .collect();
    let mut group = c.benchmark_group("engine");
    for batch in [1, 16] {
        let mut windows: Vec<Window> = (0..batch)
            .map(|_| Window::synthetic(0, log_mel.as_slice().into()))
            .collect();
        // Consecutive windows of one stream, so that both members of the ensemble run.
        let mut starts = (0..).step_by(WINDOW_HOP_SAMPLES);
        group.throughput(Throughput::Elements(batch));
        group.bench_function(format!("batch {batch}"), |b| {
            b.iter(|| {
                for (window, start) in windows.iter_mut().zip(&mut starts) {
                    window.start_sample = start;
                }
                let references: Vec<&Window> = windows.iter().collect();
                black_box(engine.infer(&references).unwrap())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
