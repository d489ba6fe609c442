//! The resampler keeps sound what it is: pitch, phase, level, time and length.

use std::f64::consts::TAU;

use proptest::prelude::*;
use vocald::frontend::resample::{ResampleError, Resampler};

const OUT_HZ: f64 = 22_050.0;

fn tone(rate_hz: u32, hz: f64, frames: usize) -> Vec<f32> {
    (0..frames)
        .map(|n| (0.5 * (TAU * hz * n as f64 / f64::from(rate_hz)).sin()) as f32)
        .collect()
}

fn resample(rate_hz: u32, input: &[f32]) -> Vec<f32> {
    let mut resampler = Resampler::new(rate_hz).unwrap();
    let mut out = Vec::new();
    resampler.push(input, &mut out);
    resampler.flush(&mut out);
    out
}

/// Largest difference from the same tone written at 22 050 Hz, away from the sound's edges.
fn worst_error(rate_hz: u32, hz: f64) -> f64 {
    let out = resample(rate_hz, &tone(rate_hz, hz, rate_hz as usize));
    let edge = 600;
    (edge..out.len() - edge)
        .map(|n| (f64::from(out[n]) - 0.5 * (TAU * hz * n as f64 / OUT_HZ).sin()).abs())
        .fold(0.0, f64::max)
}

#[test]
fn tones_keep_frequency_phase_and_level() {
    for rate_hz in [
        8_000, 11_025, 16_000, 24_000, 32_000, 44_100, 44_101, 48_000, 96_000, 192_000,
    ] {
        let passband_hz = (f64::from(rate_hz) / 2.0).min(11_025.0) * 0.8;
        for hz in [55.0, 440.0, 1234.5, 3000.0, 7000.0, 8000.0] {
            if hz <= passband_hz {
                // 66 dB below the tone's level, and what 1/256 of an input sample does to the phase.
                let allowed = 2.5e-4 + 0.5 * TAU * hz / f64::from(rate_hz) / 256.0;
                let error = worst_error(rate_hz, hz);
                assert!(
                    error < allowed,
                    "{rate_hz} Hz, tone of {hz} Hz: off by {error}"
                );
            }
        }
    }
}

#[test]
fn what_22050_hz_cannot_hold_is_rejected_by_80_db() {
    for rate_hz in [32_000, 44_100, 48_000, 96_000, 192_000] {
        for hz in [11_100.0, 12_500.0, 14_050.0, 20_000.0, 40_000.0, 90_000.0] {
            if hz < f64::from(rate_hz) / 2.0 {
                let out = resample(rate_hz, &tone(rate_hz, hz, rate_hz as usize));
                let loudest = out[600..out.len() - 600]
                    .iter()
                    .fold(0.0f32, |worst, x| worst.max(x.abs()));
                assert!(
                    loudest < 0.5e-4,
                    "{rate_hz} Hz, tone of {hz} Hz leaves {loudest}"
                );
            }
        }
    }
}

#[test]
fn images_of_a_low_rate_are_rejected_by_80_db() {
    for rate_hz in [8_000, 16_000] {
        let hz = f64::from(rate_hz) * 0.4;
        let out = resample(rate_hz, &tone(rate_hz, hz, rate_hz as usize));
        let image_hz = f64::from(rate_hz) - hz;
        let middle = &out[600..out.len() - 600];
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &x) in middle.iter().enumerate() {
            let hann = 0.5 - 0.5 * (TAU * n as f64 / middle.len() as f64).cos();
            let phase = TAU * image_hz * n as f64 / OUT_HZ;
            re += hann * f64::from(x) * phase.cos();
            im += hann * f64::from(x) * phase.sin();
        }
        let level = 4.0 * re.hypot(im) / middle.len() as f64;
        assert!(
            level < 0.5e-4,
            "{rate_hz} Hz: the image of {hz} Hz is {level}"
        );
    }
}

#[test]
fn a_click_stays_where_it_is() {
    for rate_hz in [8_000, 16_000, 44_100, 48_000, 192_000] {
        let mut input = vec![0.0; rate_hz as usize];
        let second_half = rate_hz as usize / 2;
        input[second_half] = 1.0;
        let out = resample(rate_hz, &input);
        let peak = (0..out.len())
            .max_by(|&a, &b| out[a].abs().total_cmp(&out[b].abs()))
            .unwrap();
        assert_eq!(peak, 11_025, "{rate_hz} Hz");
        // The filter is symmetric about the click.
        for k in 1..40 {
            assert!(
                (out[peak - k] - out[peak + k]).abs() < 0.01 * out[peak].abs(),
                "{rate_hz} Hz"
            );
        }
    }
}

#[test]
fn constant_level_is_kept() {
    for rate_hz in [8_000, 44_100, 44_101, 48_000, 192_000] {
        let out = resample(rate_hz, &vec![0.25; rate_hz as usize]);
        for x in &out[600..out.len() - 600] {
            assert!((x - 0.25).abs() < 2.5e-5, "{rate_hz} Hz: {x}");
        }
    }
}

#[test]
fn rate_22050_passes_untouched() {
    let input = tone(22_050, 440.0, 5000);
    assert_eq!(resample(22_050, &input), input);
    assert_eq!(Resampler::new(22_050).unwrap().delay_s(), 0.0);
}

#[test]
fn the_delay_is_a_few_milliseconds_and_true() {
    for (rate_hz, longest_s) in [
        (8_000, 0.0135),
        (16_000, 0.0075),
        (44_100, 0.0035),
        (48_000, 0.0035),
        (192_000, 0.0035),
    ] {
        let mut resampler = Resampler::new(rate_hz).unwrap();
        assert!(
            resampler.delay_s() <= longest_s,
            "{rate_hz} Hz: {} s",
            resampler.delay_s()
        );
        let mut out = Vec::new();
        for frames in 1..=rate_hz as usize {
            resampler.push(&[0.0], &mut out);
            let heard_s = frames as f64 / f64::from(rate_hz);
            let told_s = out.len() as f64 / OUT_HZ;
            assert!(
                heard_s - told_s <= resampler.delay_s() + 1.0 / OUT_HZ + 1e-9,
                "{rate_hz} Hz"
            );
        }
    }
}

#[test]
fn rates_outside_8_to_192_khz_are_refused_in_a_sentence() {
    for rate_hz in [0, 7_999, 192_001, u32::MAX] {
        let error = Resampler::new(rate_hz).err().unwrap();
        assert_eq!(error, ResampleError::Rate { rate_hz });
        assert_eq!(
            error.to_string(),
            format!(
                "a sample rate of {rate_hz} Hz cannot be used: choose one from 8000 to 192000 Hz"
            )
        );
    }
}

#[test]
fn reset_and_flush_make_a_fresh_start() {
    let input = tone(48_000, 440.0, 9_999);
    let expected = resample(48_000, &input);
    let mut resampler = Resampler::new(48_000).unwrap();
    let mut out = Vec::new();
    resampler.push(&tone(48_000, 3_000.0, 12_345), &mut out);
    resampler.reset();
    for _ in 0..2 {
        out.clear();
        resampler.push(&input, &mut out);
        resampler.flush(&mut out);
        assert_eq!(out, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn output_does_not_depend_on_the_cutting(
        rate_hz in prop::sample::select(vec![8_000u32, 16_000, 22_050, 44_100, 44_101, 48_000, 96_000]),
        cuts in prop::collection::vec(0usize..2_000, 1..30),
        seed in any::<u32>(),
    ) {
        let total: usize = cuts.iter().sum();
        let mut state = seed;
        let input: Vec<f32> = (0..total).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        }).collect();
        let whole = resample(rate_hz, &input);

        let mut resampler = Resampler::new(rate_hz).unwrap();
        let (mut out, mut rest) = (Vec::new(), input.as_slice());
        for cut in cuts {
            let (block, after) = rest.split_at(cut);
            resampler.push(block, &mut out);
            rest = after;
        }
        resampler.flush(&mut out);
        prop_assert!(out.iter().zip(&whole).all(|(a, b)| a.to_bits() == b.to_bits()));
        prop_assert_eq!(out.len(), whole.len());
    }

    #[test]
    fn length_is_exact(rate_hz in 8_000u32..=192_000, frames in 0usize..20_000) {
        let out = resample(rate_hz, &vec![0.1; frames]);
        let expected = (frames as f64 * OUT_HZ / f64::from(rate_hz)).round() as usize;
        prop_assert_eq!(out.len(), expected);
    }
}
