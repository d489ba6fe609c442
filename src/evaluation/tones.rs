//! Synthetic sounds without a voice that provoke false alarms.

use std::f64::consts::TAU;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::frontend::SAMPLE_RATE_HZ;

/// Duration of each sound: 40 decisions.
const LENGTH_S: f64 = 4.0;
/// From the range of a bass to that of a soprano.
const PITCHES_HZ: [f64; 4] = [110.0, 220.0, 440.0, 880.0];
/// A typical singer's vibrato.
const VIBRATO_HZ: f64 = 5.5;
/// Largest deviation, either way.
const VIBRATO_SEMITONES: f64 = 0.5;
/// Highest partial, below the Nyquist frequency.
const HIGHEST_PARTIAL_HZ: f64 = 10_000.0;
const TONE_AMPLITUDE: f64 = 0.5;
/// Gain of the noise that is clipped at full scale.
const CLIPPED_GAIN: f32 = 10.0;

#[derive(Debug, Clone, Copy)]
enum Waveform {
    Sine,
    Triangle,
    Sawtooth,
    Square,
}

/// A synthetic sound.
pub struct Made {
    /// `vibrato` or `signal`.
    pub kind: &'static str,
    pub name: String,
    /// At 22 050 Hz.
    pub samples: Vec<f32>,
}

/// Every synthetic sound; the same ones on each call.
pub fn all() -> Vec<Made> {
    let count = (LENGTH_S * f64::from(SAMPLE_RATE_HZ)) as usize;
    let mut made = Vec::new();
    for waveform in [
        Waveform::Sine,
        Waveform::Triangle,
        Waveform::Sawtooth,
        Waveform::Square,
    ] {
        for hz in PITCHES_HZ {
            made.push(Made {
                kind: "vibrato",
                name: format!("{} {hz} Hz", waveform.name()),
                samples: vibrato(waveform, hz, count),
            });
        }
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let noise: Vec<f32> = (0..count).map(|_| rng.random_range(-1.0..=1.0)).collect();
    let clipped = noise.iter().map(|x| (x * CLIPPED_GAIN).clamp(-1.0, 1.0));
    let clipped = clipped.collect();
    for (name, samples) in [
        ("silence", vec![0.0; count]),
        ("white noise, full scale", noise),
        ("white noise, clipped", clipped),
    ] {
        made.push(Made {
            kind: "signal",
            name: name.into(),
            samples,
        });
    }
    made
}

impl Waveform {
    fn name(self) -> &'static str {
        match self {
            Self::Sine => "sine",
            Self::Triangle => "triangle",
            Self::Sawtooth => "sawtooth",
            Self::Square => "square",
        }
    }

    /// The amplitude of the `k`-th partial, counted from 1.
    fn partial(self, k: u32) -> f64 {
        let (k, odd) = (f64::from(k), k % 2 == 1);
        match self {
            Self::Sine => f64::from(u8::from(k == 1.0)),
            // Phases do not matter to a magnitude spectrum.
            Self::Triangle if odd => 8.0 / (TAU / 2.0 * k).powi(2),
            Self::Square if odd => 4.0 / (TAU / 2.0 * k),
            Self::Sawtooth => 2.0 / (TAU / 2.0 * k),
            _ => 0.0,
        }
    }
}

fn vibrato(waveform: Waveform, hz: f64, count: usize) -> Vec<f32> {
    let partials: Vec<(f64, f64)> = (1..)
        .take_while(|&k| k == 1 || hz * f64::from(k) <= HIGHEST_PARTIAL_HZ)
        .map(|k| (f64::from(k), waveform.partial(k)))
        .filter(|&(_, amplitude)| amplitude > 0.0)
        .collect();
    let mut phase = 0.0;
    let sample = |n: usize| {
        let t_s = n as f64 / f64::from(SAMPLE_RATE_HZ);
        let bend = VIBRATO_SEMITONES * (TAU * VIBRATO_HZ * t_s).sin();
        phase += hz * 2f64.powf(bend / 12.0) / f64::from(SAMPLE_RATE_HZ);
        let sum: f64 = partials
            .iter()
            .map(|(k, amplitude)| amplitude * (TAU * k * phase).sin())
            .sum();
        (TONE_AMPLITUDE * sum) as f32
    };
    (0..count).map(sample).collect()
}
