//! Windows do not depend on how the sound was cut up, and never span a gap.

use proptest::prelude::*;
use vocald::frontend::{CaptureTime, WINDOW_HOP_SAMPLES, Window, WindowLength, Windower};

/// Sound in which every frame is different: a gliding tone under noise.
fn sound(samples: usize) -> Vec<f32> {
    let mut noise = 0x2545_f491_u32;
    (0..samples)
        .map(|n| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let hiss = (noise >> 8) as f32 / (1 << 24) as f32 - 0.5;
            let seconds = n as f32 / 22_050.0;
            0.4 * (6.0 * (200.0 + 150.0 * seconds) * seconds).sin() + 0.1 * hiss
        })
        .collect()
}

fn windows_of(windower: &mut Windower, samples: &[f32]) -> Vec<Window> {
    let mut windows = Vec::new();
    windower.push(samples, CaptureTime::default(), &mut windows);
    windows
}

/// The bits of the values: equal floats are not enough here.
fn bits(windows: &[Window]) -> Vec<(u64, Vec<u32>)> {
    windows
        .iter()
        .map(|w| {
            (
                w.start_sample,
                w.log_mel.iter().map(|v| v.to_bits()).collect(),
            )
        })
        .collect()
}

#[test]
fn the_first_window_is_complete_at_sample_25_909() {
    let sound = sound(25_909);
    assert_eq!(
        windows_of(
            &mut Windower::new(WindowLength::FRAMES_80),
            &sound[..25_908]
        )
        .len(),
        0
    );
    assert_eq!(
        windows_of(&mut Windower::new(WindowLength::FRAMES_80), &sound).len(),
        1
    );

    let mut windower = Windower::new(WindowLength::FRAMES_80);
    assert_eq!(windows_of(&mut windower, &sound[..25_908]).len(), 0);
    let windows = windows_of(&mut windower, &sound[25_908..]);
    assert_eq!(windows.len(), 1);
    assert_eq!(
        (
            windows[0].seq(),
            windows[0].start_sample,
            windows[0].end_sample()
        ),
        (0, 0, 25_909)
    );
}

#[test]
fn windows_follow_each_other_by_1575_samples() {
    let windows = windows_of(
        &mut Windower::new(WindowLength::FRAMES_80),
        &sound(WindowLength::FRAMES_80.samples() + 9 * WINDOW_HOP_SAMPLES),
    );
    let places: Vec<_> = windows.iter().map(|w| (w.seq(), w.start_sample)).collect();
    let expected: Vec<_> = (0..10).map(|n| (n, n * 1575)).collect();
    assert_eq!(places, expected);
}

#[test]
fn a_window_dates_its_frames_by_their_middle() {
    let windows = windows_of(
        &mut Windower::new(WindowLength::FRAMES_80),
        &sound(WindowLength::FRAMES_80.samples() + WINDOW_HOP_SAMPLES),
    );
    // Frame 79 of window 1 starts at sample 1575 + 79 * 315.
    assert_eq!(
        windows[1].time_s(0),
        (1575.0 + 79.0 * 315.0 + 512.0) / 22_050.0
    );
    assert_eq!(
        windows[1].time_s(39),
        (1575.0 + 40.0 * 315.0 + 512.0) / 22_050.0
    );
}

#[test]
fn a_longer_window_counts_its_horizons_from_its_own_last_frame() {
    let length = WindowLength::FRAMES_115;
    let windows = windows_of(
        &mut Windower::new(length),
        &sound(length.samples() + WINDOW_HOP_SAMPLES),
    );
    let spans: Vec<_> = windows
        .iter()
        .map(|w| (w.seq(), w.start_sample, w.end_sample(), w.log_mel.len()))
        .collect();
    assert_eq!(
        spans,
        [(0, 0, 36_934, 115 * 80), (1, 1575, 38_509, 115 * 80)]
    );
    let middle_s = |frame: f64| (1575.0 + frame * 315.0 + 512.0) / 22_050.0;
    assert_eq!(length.centre_horizon_frames(), 57);
    for (horizon, frame) in [(0, 114.0), (7, 107.0), (57, 57.0)] {
        assert_eq!(windows[1].time_s(horizon), middle_s(frame));
    }
}

#[test]
fn position_counts_pushed_and_lost_samples() {
    let mut windower = Windower::new(WindowLength::FRAMES_80);
    windows_of(&mut windower, &sound(30_001));
    assert_eq!(windower.position_samples(), 30_001);
    windower.gap(499);
    assert_eq!(windower.position_samples(), 30_500);
    windows_of(&mut windower, &sound(7));
    assert_eq!(windower.position_samples(), 30_507);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cutting_gives_the_same_windows_bit_for_bit(
        blocks in prop::collection::vec(
            prop_oneof![Just(0usize), 1..8usize, 1..700usize, 700..9000usize], 1..60),
    ) {
        let sound = sound(blocks.iter().sum::<usize>().max(40_000));
        let whole = windows_of(&mut Windower::new(WindowLength::FRAMES_80), &sound);
        prop_assert!(whole.len() >= 9);

        let mut windower = Windower::new(WindowLength::FRAMES_80);
        let mut cut = Vec::new();
        let mut rest = &sound[..];
        for block in blocks {
            let (now, later) = rest.split_at(block);
            cut.extend(windows_of(&mut windower, now));
            rest = later;
        }
        cut.extend(windows_of(&mut windower, rest));
        prop_assert!(bits(&cut) == bits(&whole), "the cutting shows in the windows");
    }

    /// After a gap the windows are those of a fresh start, moved to where they belong; so none
    /// of them holds sound from before the gap.
    #[test]
    fn no_window_spans_a_gap(
        stretches in prop::collection::vec((0..70_000usize, 0..100_000u64), 2..6),
    ) {
        let mut windower = Windower::new(WindowLength::FRAMES_80);
        let mut seen = Vec::new();
        let mut expected = Vec::new();
        let mut place = 0u64;
        for (samples, lost) in stretches {
            let sound = sound(samples);
            seen.extend(windows_of(&mut windower, &sound));
            let fresh = windows_of(&mut Windower::new(WindowLength::FRAMES_80), &sound);
            expected.extend(fresh.into_iter().map(|mut window| {
                window.start_sample += place;
                window
            }));
            windower.gap(lost);
            place += samples as u64 + lost;
            prop_assert_eq!(windower.position_samples(), place);
        }
        prop_assert!(bits(&seen) == bits(&expected), "a gap shows in the windows after it");
        prop_assert!(seen.windows(2).all(|pair| pair[0].seq() < pair[1].seq()));
        prop_assert!(seen.windows(2).all(|pair| pair[0].end_sample() <= place));
    }
}
