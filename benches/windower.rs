//! Time that `Windower::push` takes for the sound of one window hop and for one second.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vocald::frontend::{CaptureTime, SAMPLE_RATE_HZ, WINDOW_HOP_SAMPLES, WindowLength, Windower};

fn windower(c: &mut Criterion) {
    let mut group = c.benchmark_group("windower");
    for (name, samples) in [
        ("one hop (71.4 ms)", WINDOW_HOP_SAMPLES),
        ("one second", SAMPLE_RATE_HZ as usize),
    ] {
        let sound: Vec<f32> = (0..samples)
            .map(|n| (n as f32 * 0.05).sin() * 0.1)
            .collect();
        let mut windower = Windower::new(WindowLength::FRAMES_80);
        let mut windows = Vec::new();
        group.throughput(Throughput::Elements(samples as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                windows.clear();
                windower.push(black_box(&sound), CaptureTime::default(), &mut windows);
                black_box(&windows);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, windower);
criterion_main!(benches);
