//! Augmentation changes what it is meant to change, and nothing else.

use vocald::corpora::recording::{Layer, Recording, magnitudes_of_sum};
use vocald::frontend::LogMel;
use vocald::frontend::mel::band_of_hz;
use vocald::training::augment;

/// The bands with the loudest peaks.
fn peaks(mel: &[f32; 80], count: usize) -> Vec<usize> {
    let is_peak = |&b: &usize| mel[b] > mel[b - 1] && mel[b] >= mel[b + 1];
    let mut found: Vec<usize> = (1..79).filter(is_peak).collect();
    found.sort_by(|&a, &b| mel[b].total_cmp(&mel[a]));
    found.truncate(count);
    found.sort_unstable();
    found
}

/// A second of partials, soft enough for the levels of 16 bits to matter.
fn chord(partials_hz: [f32; 3]) -> Vec<f32> {
    let sample = |n: usize| {
        let t = n as f32 / 22_050.0;
        let partial = |hz: f32| (2.0 * std::f32::consts::PI * hz * t).sin() * 0.02;
        partials_hz.map(partial).iter().sum()
    };
    (0..22_050).map(sample).collect()
}

#[test]
fn a_recording_at_another_speed_sounds_as_if_all_its_frequencies_were_others() {
    let mut log_mel = LogMel::new();
    let partials_hz = [400.0, 1600.0, 4000.0];
    let recording = Recording::of_samples(&chord(partials_hz));
    for speed in [0.77, 0.85, 1.0, 1.2, 1.3] {
        let played = Layer {
            speed,
            ..Layer::plainly(&recording, 20.5)
        };
        let mel = magnitudes_of_sum(&mut log_mel, [played], 1, 1.0)[0];
        let really = Recording::of_samples(&chord(partials_hz.map(|hz| hz * speed)));
        let expected = magnitudes_of_sum(&mut log_mel, [Layer::plainly(&really, 20.5)], 1, 1.0)[0];
        assert_eq!(peaks(&mel, 3), peaks(&expected, 3), "{speed}");
        let loudest = expected.iter().copied().fold(0.0, f32::max);
        for (band, (mel, expected)) in mel.iter().zip(expected).enumerate() {
            let error = (mel - expected).abs() / loudest;
            assert!(error < 0.03, "{speed}: band {band} is off by {error}");
        }
    }
}

#[test]
fn speed_and_gain_of_one_give_the_recorded_frame() {
    let samples = chord([300.0, 900.0, 2000.0]);
    let recording = Recording::of_samples(&samples);
    let frame = samples[40 * 315..].first_chunk().unwrap();
    let mut log_mel = LogMel::new();
    let expected = log_mel.magnitude_frame(frame);
    let played = magnitudes_of_sum(&mut log_mel, [Layer::plainly(&recording, 40.0)], 1, 1.0)[0];
    for (played, expected) in played.iter().zip(expected) {
        assert!((played - expected).abs() < 1e-4, "{played} {expected}");
    }
}

#[test]
fn a_window_is_heard_as_its_frames_are_one_by_one() {
    let recording = Recording::of_samples(&chord([300.0, 900.0, 2000.0]));
    let mut log_mel = LogMel::new();
    for (speed, stretch) in [(1.0, 1.0), (1.0, 0.83), (0.77, 1.0), (1.3, 1.2)] {
        let at = |place| Layer {
            speed,
            ..Layer::plainly(&recording, place)
        };
        // The last of them lie beyond the end.
        let window = magnitudes_of_sum(&mut log_mel, [at(10.25)], 80, stretch);
        assert_eq!(window.len(), 80);
        let loudest = window.as_flattened().iter().copied().fold(0.0, f32::max);
        for (i, frame) in window.iter().enumerate() {
            let place = 10.25 + i as f32 * stretch;
            let alone = magnitudes_of_sum(&mut log_mel, [at(place)], 1, 1.0)[0];
            for (band, (mel, alone)) in frame.iter().zip(alone).enumerate() {
                // A frame begins at the nearest sample of what is played, or of the recording.
                let error = (mel - alone).abs() / loudest;
                assert!(
                    error < 0.01,
                    "{speed} {stretch}: frame {i}, band {band} is off by {error}"
                );
            }
        }
    }
}

#[test]
fn what_lies_beyond_the_end_is_heard_as_the_end() {
    let recording = Recording::of_samples(&chord([300.0, 900.0, 2000.0]));
    let mut log_mel = LogMel::new();
    for speed in [0.77, 1.0, 1.3] {
        let mut at = |place| {
            let played = Layer {
                speed,
                ..Layer::plainly(&recording, place)
            };
            magnitudes_of_sum(&mut log_mel, [played], 1, 1.0)[0]
        };
        assert_eq!(at(70.0), at(1e4));
        assert!(at(70.0).iter().copied().fold(0.0, f32::max) > 0.01);
    }
}

#[test]
fn a_shift_moves_bands_and_one_of_nothing_does_not() {
    let before: [f32; 80] = std::array::from_fn(|band| (band * 7 % 11) as f32);
    let mut after = before;
    augment::shift(&mut after, 0.0);
    assert_eq!(before, after);
    augment::shift(&mut after, 2.0);
    assert_eq!(before[..78], after[2..]);
}

#[test]
fn places_among_the_bands_are_those_of_the_filter_bank() {
    // The edges, and librosa.mel_frequencies(82, fmin=27.5, fmax=8000)[40].
    assert!((band_of_hz(27.5) + 1.0).abs() < 1e-9);
    assert!((band_of_hz(8000.0) - 80.0).abs() < 1e-6);
    assert!((band_of_hz(1680.7423863694312) - 39.0).abs() < 1e-6);
}
