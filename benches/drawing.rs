//! Time in which one thread draws a training window, without and with augmentation.
//!
//! `vocald bench --drawing EXPERIMENT` measures the same on real corpora.

#![allow(clippy::unwrap_used)]

use std::f32::consts::TAU;

use criterion::{Criterion, criterion_group, criterion_main};
use vocald::corpora::{Corpus, Recording, Sound, Track};
use vocald::frontend::window::frame_time_s;
use vocald::frontend::{LogMel, SAMPLE_RATE_HZ};
use vocald::model::{Depth, Family};
use vocald::training::experiment::Augmentation;
use vocald::training::sampler::{Sampler, window_rng};

const TRACK_S: usize = 20;

/// The first five harmonics of `hz` while `sounds` is true of the time in seconds.
fn tone(hz: f32, sounds: fn(f64) -> bool) -> Recording {
    let sample = |n: usize| {
        let t = n as f64 / f64::from(SAMPLE_RATE_HZ);
        let harmonics = (1..6).map(|k| (TAU * hz * k as f32 * t as f32).sin() / k as f32);
        if sounds(t) {
            0.1 * harmonics.sum::<f32>()
        } else {
            0.0
        }
    };
    let samples: Vec<f32> = (0..TRACK_S * SAMPLE_RATE_HZ as usize).map(sample).collect();
    Recording::of_samples(&samples)
}

/// Two seconds with voice, two without.
fn voiced(t_s: f64) -> bool {
    t_s % 4.0 < 2.0
}

/// Four tracks with voice and accompaniment apart.
fn corpus() -> Corpus {
    let track = |number: usize| {
        let accompaniment = tone(110.0 + 20.0 * number as f32, |_| true);
        let voice = (0..accompaniment.frames())
            .map(|frame| Some(voiced(frame_time_s(frame))))
            .collect();
        Track {
            name: format!("tones {number}"),
            song: String::new(),
            sound: Sound::Stems {
                voice: tone(220.0 + 30.0 * number as f32, voiced),
                accompaniment,
            },
            voice,
            speech: Vec::new(),
            separated: None,
        }
    };
    Corpus {
        name: "tones".into(),
        weight: 1.0,
        voice_share: None,
        tracks: (0..4).map(track).collect(),
    }
}

/// About what the shipped checkpoints were trained with.
fn augmentation() -> Augmentation {
    Augmentation {
        stretch: 0.2,
        pitch: 0.2,
        shift_bands: 0.5,
        gain_db: 6.0,
        equaliser_db: 10.0,
        lowpass_fraction: 0.2,
        noise_fraction: 0.25,
        mask_fraction: 0.5,
        remix_fraction: 0.4,
        swap_fraction: 0.4,
        drop_voice_fraction: 0.06,
        balance_db: [-10.0, 9.0],
        ..Augmentation::default()
    }
}

fn drawing(c: &mut Criterion) {
    let corpora = [corpus()];
    let family = Family::SeResNet(Depth::D14);
    let mut group = c.benchmark_group("drawing");
    for (name, augmentation) in [
        ("one window", Augmentation::default()),
        ("one augmented window", augmentation()),
    ] {
        let sampler = Sampler::new(&corpora, &augmentation, family, &[39]).unwrap();
        let mut log_mel = LogMel::new();
        let mut values = vec![0.0; sampler.values()];
        let mut labels = vec![0.0; sampler.labels()];
        let mut windows = 0..;
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut rng = window_rng(1, 0, windows.next().unwrap_or_default());
                sampler.draw(&mut log_mel, &mut rng, &mut values, &mut labels);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, drawing);
criterion_main!(benches);
