//! Augmentation changes what it says it changes.

use vocald::frontend::LogMel;
use vocald::frontend::mel::{band_of_hz, hz_of_band};
use vocald::trainer::augment::Warp;

/// Mel magnitudes of three partials, and the bands with the loudest of them.
fn peaks(mel: &[f32; 80], count: usize) -> Vec<usize> {
    let is_peak = |&b: &usize| mel[b] > mel[b - 1] && mel[b] >= mel[b + 1];
    let mut found: Vec<usize> = (1..79).filter(is_peak).collect();
    found.sort_by(|&a, &b| mel[b].total_cmp(&mel[a]));
    found.truncate(count);
    found.sort_unstable();
    found
}

#[test]
fn a_change_of_pitch_keeps_harmonics_harmonic() {
    let sound = |f0: f32| -> [f32; 80] {
        let sample = |n: usize| {
            let t = n as f32 / 22_050.0;
            let partial = |k: f32| (2.0 * std::f32::consts::PI * f0 * k * t).sin() * 0.2;
            [1.0, 4.0, 10.0].map(partial).iter().sum::<f32>()
        };
        LogMel::new().magnitude_frame(&std::array::from_fn(sample))
    };
    for factor in [0.85f32, 1.0, 1.2] {
        let mut warped = sound(400.0);
        Warp::pitch(factor).apply(&mut warped);
        let expected = [1.0, 4.0, 10.0].map(|k| band_of_hz(f64::from(400.0 * factor * k)));
        for (peak, expected) in peaks(&warped, 3).into_iter().zip(expected) {
            assert!(
                (peak as f64 - expected).abs() <= 1.0,
                "{factor}: {peak} {expected}"
            );
        }
    }
}

#[test]
fn a_factor_of_one_changes_nothing() {
    let before: [f32; 80] = std::array::from_fn(|band| (band * 7 % 11) as f32);
    let mut after = before;
    Warp::pitch(1.0).apply(&mut after);
    for (a, b) in before.iter().zip(after) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
}

#[test]
fn bands_and_frequencies_are_each_others_inverse() {
    for band in 0..80 {
        let there_and_back = band_of_hz(hz_of_band(f64::from(band)));
        assert!((there_and_back - f64::from(band)).abs() < 1e-9);
    }
    // librosa.mel_frequencies(82, fmin=27.5, fmax=8000)[1] and [80].
    assert!((hz_of_band(-1.0) - 27.5).abs() < 1e-9);
    assert!((hz_of_band(80.0) - 8000.0).abs() < 1e-6);
}
