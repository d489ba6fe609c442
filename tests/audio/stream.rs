//! A stream keeps its times through losses and changes of rate, and reports its silences.

use vocald::frontend::{CaptureTime, Window, WindowLength};
use vocald::inference::{Loss, Note, StreamItem};
use vocald::pipeline::stream::Stream;
use vocald_client::message::{GapReason, StateChange};

const RATE_HZ: u32 = 16_000;

fn tone(frames: usize) -> Vec<f32> {
    (0..frames).map(|n| 0.5 * (n as f32 * 0.05).sin()).collect()
}

/// A capture time at which both clocks show `seconds`.
fn at(seconds: f64) -> CaptureTime {
    CaptureTime {
        monotonic_s: seconds,
        arrived_s: seconds,
        unix_s: seconds,
    }
}

fn windows(items: &[StreamItem]) -> Vec<&Window> {
    items
        .iter()
        .filter_map(|i| {
            if let StreamItem::Window(w) = i {
                Some(w)
            } else {
                None
            }
        })
        .collect()
}

fn notes(items: &[StreamItem]) -> Vec<&Note> {
    items
        .iter()
        .filter_map(|i| {
            if let StreamItem::Note(n) = i {
                Some(n)
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn windows_do_not_depend_on_the_blocks_and_are_dated_by_the_capture() {
    let sound = tone(3 * RATE_HZ as usize);
    let start_unix_s = 1_700_000_000.0;
    let cut = |block: usize| {
        let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
        let mut items = Vec::new();
        for (k, part) in sound.chunks(block).enumerate() {
            let end = k * block + part.len();
            let captured_s = start_unix_s + end as f64 / f64::from(RATE_HZ);
            items.extend(stream.push(part, at(captured_s)));
        }
        items.extend(stream.finish());
        items
    };
    let (small, large) = (cut(160), cut(40_000));
    let (small, large) = (windows(&small), windows(&large));
    // 3 s are 66 150 samples: (66 150 - 25 909) / 1575 + 1 windows.
    assert_eq!(small.len(), 26);
    assert_eq!(large.len(), 26);
    for (a, b) in small.iter().zip(&large) {
        assert_eq!((a.start_sample, &a.log_mel), (b.start_sample, &b.log_mel));
        assert_eq!(
            a.level, b.level,
            "the level does not depend on the blocks either"
        );
        let end_s = a.end_sample() as f64 / 22_050.0;
        assert!((a.captured.unix_s - start_unix_s - end_s).abs() < 1e-5);
        assert!((b.captured.unix_s - start_unix_s - end_s).abs() < 1e-5);
        assert!((a.level.peak_db - -6.02).abs() < 0.1 && (a.level.rms_db - -9.03).abs() < 0.3);
    }
}

#[test]
fn no_window_spans_a_loss_and_the_time_goes_on_behind_it() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut items = Vec::new();
    items.extend(stream.push(&tone(32_000), at(102.0)));
    items.extend(stream.lose(8_000, GapReason::RingFull));
    assert!((stream.position_s() - 2.5).abs() < 1e-9);
    items.extend(stream.push(&tone(32_000), at(104.5)));
    items.extend(stream.finish());
    assert_eq!(
        notes(&items),
        [&Note::Lost(Loss {
            t_s: 2.0,
            lost_s: 0.5,
            reason: GapReason::RingFull
        })]
    );
    let (hole, end) = (2.0 * 22_050.0, 2.5 * 22_050.0);
    let windows = windows(&items);
    for captured in &windows {
        let (first, last) = (captured.start_sample as f64, captured.end_sample() as f64);
        assert!(last <= hole + 1.0 || first >= end - 1.0);
        assert!((captured.captured.unix_s - 100.0 - last / 22_050.0).abs() < 1e-4);
    }
    assert!(windows.iter().any(|w| w.start_sample as f64 == end));
}

#[test]
fn the_rounding_of_many_losses_does_not_add_up() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut last = 0;
    for k in 0..200 {
        for item in stream.push(&tone(24_001), at(f64::from(k) * 2.0)) {
            if let StreamItem::Window(w) = item {
                last = w.start_sample;
            }
        }
        stream.lose(7_999, GapReason::RingFull);
    }
    // Every round is 2 s, and its last windows begin at a whole number of hops.
    assert_eq!((last - 199 * 44_100) % 1575, 0);
    assert!((stream.position_s() - 400.0).abs() < 1e-9);
}

#[test]
fn a_source_may_come_back_with_another_rate() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut items = Vec::new();
    items.extend(stream.push(&tone(16_000), at(100.0)));
    items.extend(stream.change_rate(48_000).unwrap());
    items.extend(stream.lose(3 * 48_000, GapReason::Device));
    items.extend(stream.push(&tone(96_000), at(104.0)));
    assert_eq!(
        notes(&items),
        [&Note::Lost(Loss {
            t_s: 1.0,
            lost_s: 3.0,
            reason: GapReason::Device
        })]
    );
    assert!((stream.position_s() - 6.0).abs() < 1e-9);
    assert_eq!(windows(&items)[0].start_sample, 4 * 22_050);
    assert!(stream.change_rate(1_000).is_err());
}

#[test]
fn two_seconds_of_digital_zeros_are_silence_and_sound_ends_it() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut items = Vec::new();
    let mut push = |sound: &[f32]| {
        items.clear();
        items.extend(stream.push(sound, at(0.0)));
        notes(&items).into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(push(&tone(1600)), []);
    assert_eq!(push(&[0.0; 31_999]), []);
    assert_eq!(push(&[0.0; 1]), [Note::State(StateChange::silent())]);
    assert_eq!(push(&[0.0; 1600]), []);
    assert_eq!(
        push(&[0.0, 1e-9, 0.0]),
        [Note::State(StateChange::running())]
    );
    assert_eq!(push(&[-0.0; 31_998]), []);
    assert_eq!(push(&[-0.0; 1]), [Note::State(StateChange::silent())]);
}

#[test]
fn sound_that_arrives_in_a_burst_is_dated_no_earlier_than_what_came_before() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut items: Vec<StreamItem> = stream.push(&tone(32_000), at(102.0)).collect();
    // A pipe that stood still for 8 s delivers what gathered within half a second.
    items.extend(stream.push(&tone(64_000), at(110.0)));
    items.extend(stream.push(&tone(64_000), at(110.5)));
    items.extend(stream.finish());
    let dates: Vec<f64> = windows(&items).iter().map(|w| w.captured.unix_s).collect();
    assert!(dates.is_sorted(), "{dates:?}");
    assert!(dates.iter().all(|&date| date <= 110.5));
}
