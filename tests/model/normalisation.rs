//! What a network is given of a window's values.

use proptest::prelude::*;
use vocald::model::{LevelMode, Normalisation};

const VALUES: usize = 80 * 80;
/// The floor of the logarithm.
const SILENCE: f32 = -11.512_925;

fn normalisation(level: LevelMode) -> Normalisation {
    Normalisation {
        level,
        mean: std::array::from_fn(|band| -2.0 - band as f32 / 40.0),
        std: std::array::from_fn(|band| 1.0 + band as f32 / 80.0),
    }
}

fn applied(level: LevelMode, log_mel: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; log_mel.len()];
    normalisation(level).apply(log_mel, &mut out);
    out
}

fn most_apart(a: &[f32], b: &[f32]) -> f32 {
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

fn music() -> impl Strategy<Value = Vec<f32>> {
    proptest::collection::vec(-7.0f32..3.0, VALUES)
}

#[test]
fn a_value_is_measured_by_the_mean_and_deviation_of_its_band() {
    let log_mel: Vec<f32> = (0..VALUES).map(|i| (i % 7) as f32).collect();
    let out = applied(LevelMode::Absolute, &log_mel);
    assert_eq!(out[0], 2.0);
    // The second band of the second frame.
    let expected = (4.0 + 2.025) / 1.0125;
    assert!((out[81] - expected).abs() < 1e-5, "{}", out[81]);
}

proptest! {
    #[test]
    fn no_gain_is_seen_where_the_level_is_relative(log_mel in music(), gain in -4.0f32..4.0) {
        let louder: Vec<f32> = log_mel.iter().map(|x| x + gain).collect();
        let relative = most_apart(&applied(LevelMode::Relative, &log_mel), &applied(LevelMode::Relative, &louder));
        prop_assert!(relative < 1e-4, "{relative}");
        let absolute = most_apart(&applied(LevelMode::Absolute, &log_mel), &applied(LevelMode::Absolute, &louder));
        prop_assert!((absolute - gain.abs()).abs() < 1e-4);
    }
}

#[test]
fn a_voice_after_silence_is_brought_to_much_the_same_level_as_one_after_music() {
    let music: Vec<f32> = (0..VALUES).map(|i| -3.0 + (i % 13) as f32 / 4.0).collect();
    let mut begins = music.clone();
    begins[..VALUES / 2].fill(SILENCE);
    let (music, begins) = (
        applied(LevelMode::Relative, &music),
        applied(LevelMode::Relative, &begins),
    );
    let louder = most_apart(&music[VALUES / 2..], &begins[VALUES / 2..]);
    // Half the power, 3 dB: ln(2) / 2.
    assert!((louder - 0.5 * 2f32.ln()).abs() < 1e-3, "{louder}");
}

#[test]
fn digital_silence_has_a_level_too() {
    let out = applied(LevelMode::Relative, &[SILENCE; VALUES]);
    assert!(out.iter().all(|x| x.is_finite()));
}
