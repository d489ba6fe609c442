//! Harmonic and percussive parts, and the features made of them: what belongs to which, that nothing
//! is lost, and against an independent numpy implementation (tests/reference/README.md).

use std::f64::consts::TAU;

use safetensors::SafeTensors;
use vocald::frontend::SeparatedMel;
use vocald::frontend::separated_mel::{ENERGY_FLOOR, separated_time_s};
use vocald::frontend::separation::Separation;

const RATE_HZ: f64 = 16_000.0;
const LONG: usize = 4096;
const SHORT: usize = 512;

fn sound(seconds: f64, at: impl FnMut(f64) -> f64) -> Vec<f32> {
    let times = (0..(seconds * RATE_HZ) as usize).map(|n| n as f64 / RATE_HZ);
    times.map(at).map(|x| x as f32).collect()
}

fn sine() -> Vec<f32> {
    sound(4.0, |t| 0.3 * (TAU * 440.0 * t).sin())
}

fn clicks() -> Vec<f32> {
    let click = |n| if n % 4000 == 1234 { 0.8 } else { 0.0 };
    (0..64_000).map(click).collect()
}

/// Fourteen partials that never keep their pitch for a quarter of a second.
fn voice() -> Vec<f32> {
    let mut phase = 0.0;
    sound(4.0, |t| {
        phase += TAU * 300.0 * 2f64.powf(2.0 * (TAU * 3.0 * t).sin() / 12.0) / RATE_HZ;
        let partials = (1..15).map(|k| (f64::from(k) * phase).sin() / f64::from(k));
        0.2 * partials.sum::<f64>()
    })
}

fn energy(sound: &[f32]) -> f64 {
    sound.iter().map(|x| f64::from(*x).powi(2)).sum()
}

/// How much of the energy is in the harmonic part.
fn harmonic_share(sound: &[f32], frame_samples: usize) -> f64 {
    let parts = Separation::new(frame_samples).parts(sound);
    let harmonic = energy(&parts.harmonic);
    harmonic / (harmonic + energy(&parts.percussive))
}

#[test]
fn a_steady_tone_is_harmonic_and_clicks_are_percussive_in_frames_of_either_length() {
    for frame_samples in [LONG, SHORT] {
        let (tone, click) = (
            harmonic_share(&sine(), frame_samples),
            harmonic_share(&clicks(), frame_samples),
        );
        assert!(tone > 0.99, "{frame_samples}: {tone}");
        assert!(click < 0.1, "{frame_samples}: {click}");
    }
}

#[test]
fn a_moving_voice_is_percussive_in_long_frames_and_harmonic_in_short_ones() {
    let (long, short) = (
        harmonic_share(&voice(), LONG),
        harmonic_share(&voice(), SHORT),
    );
    assert!(long < 0.25, "{long}");
    assert!(short > 0.9, "{short}");
}

#[test]
fn the_parts_are_the_sound_again() {
    let mix: Vec<f32> = (sine().iter().zip(clicks()).zip(voice()))
        .map(|((a, b), c)| a + b + c)
        .collect();
    // Lengths that fill their last frame, and that do not.
    for length in [0, 1, 255, 256, 257, 16_384, 63_999] {
        for frame_samples in [LONG, SHORT] {
            let parts = Separation::new(frame_samples).parts(&mix[..length]);
            assert_eq!(
                (parts.harmonic.len(), parts.percussive.len()),
                (length, length)
            );
            let sums = parts.harmonic.iter().zip(&parts.percussive);
            for (n, ((h, p), x)) in sums.zip(&mix).enumerate() {
                assert!((h + p - x).abs() < 1e-5, "sample {n} of {length}");
            }
        }
    }
}

#[test]
fn a_voice_over_a_steady_tone_is_in_the_first_forty_bands_and_the_tone_is_gone() {
    let tone = sound(4.0, |t| 0.3 * (TAU * 2000.0 * t).sin());
    let mix: Vec<f32> = (voice().iter().zip(clicks()).zip(&tone))
        .map(|((a, b), c)| a + b + c)
        .collect();
    let band_sums = |sound: &[f32]| {
        let mut sums = [0.0f64; 80];
        for frame in SeparatedMel::new().energies(sound).chunks_exact(80) {
            for (sum, e) in sums.iter_mut().zip(frame) {
                *sum += f64::from(*e);
            }
        }
        sums
    };
    let mixed = band_sums(&mix);
    let (low, high) = (&mixed[..12], &mixed[40..52]);
    assert!(
        low.iter().sum::<f64>() > 10.0 * high.iter().sum::<f64>(),
        "the voice below 900 Hz is harmonic: {low:?} {high:?}"
    );
    let sum = |sound: &[f32]| band_sums(sound).iter().sum::<f64>();
    let (tone, voice) = (sum(&tone), sum(&voice()));
    assert!(tone < 0.05 * voice, "{tone} against {voice}");
}

#[test]
fn frames_are_16_ms_apart_and_reach_from_the_first_sample_to_the_last() {
    let mut click = vec![0.0f32; 16_000];
    click[8000] = 1.0;
    let energies = SeparatedMel::new().energies(&click);
    assert_eq!(energies.len(), (16_000usize.div_ceil(256) + 1) * 80);
    let power: Vec<f32> = energies.chunks_exact(80).map(|f| f.iter().sum()).collect();
    let loudest = (0..power.len())
        .max_by(|&a, &b| power[a].total_cmp(&power[b]))
        .unwrap();
    assert!((separated_time_s(loudest) - 0.5).abs() <= 0.016);
    assert_eq!(SeparatedMel::new().energies(&[]), [0.0; 80]);
}

#[test]
fn twice_as_loud_is_four_times_the_energy_and_the_same_parts() {
    let quiet: Vec<f32> = voice().iter().zip(clicks()).map(|(a, b)| a + b).collect();
    let loud: Vec<f32> = quiet.iter().map(|x| 2.0 * x).collect();
    let (quiet, loud) = (
        SeparatedMel::new().energies(&quiet),
        SeparatedMel::new().energies(&loud),
    );
    let apart = quiet.iter().zip(&loud).filter(|(q, l)| {
        let expected = 4.0 * **q;
        (expected - **l).abs() > 1e-3 * expected.max(ENERGY_FLOOR)
    });
    // A cell in a thousand lies on the edge between the parts.
    let share = apart.count() as f64 / quiet.len() as f64;
    assert!(share < 1e-2, "{share}");
}

#[test]
fn energies_equal_numpy_on_music() {
    let bytes = include_bytes!("../reference/separated_mel.safetensors");
    let fixture = SafeTensors::deserialize(bytes).unwrap();
    let samples: Vec<f32> = (fixture.tensor("samples").unwrap().data())
        .chunks_exact(2)
        .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0)
        .collect();
    let golden: Vec<f32> = (fixture.tensor("energies").unwrap().data())
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    let ours = SeparatedMel::new().energies(&samples);
    assert_eq!(ours.len(), golden.len());
    let log = |e: &f32| e.max(ENERGY_FLOOR).ln();
    let differences = ours
        .iter()
        .zip(&golden)
        .map(|(a, b)| (log(a) - log(b)).abs());
    let mut differences: Vec<f32> = differences.collect();
    differences.sort_by(f32::total_cmp);
    let quantile = |q: f64| differences[((differences.len() - 1) as f64 * q) as usize];
    println!(
        "differences: median {:e}, 99 % {:e}, 99.9 % {:e}, most {:e}",
        quantile(0.5),
        quantile(0.99),
        quantile(0.999),
        quantile(1.0)
    );
    // Both parts have something to say, and something at the floor.
    for part in [0, 40] {
        let values = || golden.chunks_exact(80).flat_map(|f| &f[part..part + 40]);
        assert!(values().any(|e| *e > 1.0) && values().any(|e| *e < ENERGY_FLOOR));
    }
    // A cell may lie on the edge between the parts and fall to the other side by rounding: then two
    // bands differ by all that it holds. Everything else is the same.
    assert!(quantile(0.5) < 1e-4 && quantile(0.99) < 1e-3);
}
