//! A stream keeps its times through losses and changes of rate, and reports its silences.

use vocald::frontend::WindowLength;
use vocald::frontend::stream::{CapturedWindow, LossCause, Note, Stream, StreamItem};

const RATE_HZ: u32 = 16_000;

fn tone(frames: usize) -> Vec<f32> {
    (0..frames).map(|n| 0.5 * (n as f32 * 0.05).sin()).collect()
}

fn windows(items: &[StreamItem]) -> Vec<&CapturedWindow> {
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
            stream.push(part, captured_s, |item| items.push(item));
        }
        stream.finish(|item| items.push(item));
        items
    };
    let (small, large) = (cut(160), cut(40_000));
    let (small, large) = (windows(&small), windows(&large));
    // 3 s are 66 150 samples: (66 150 - 25 909) / 1575 + 1 windows.
    assert_eq!(small.len(), 26);
    assert_eq!(large.len(), 26);
    for (a, b) in small.iter().zip(&large) {
        assert_eq!(a.window, b.window);
        let end_s = a.window.end_sample() as f64 / 22_050.0;
        assert!((a.end_unix_s - start_unix_s - end_s).abs() < 1e-5);
        assert!((b.end_unix_s - start_unix_s - end_s).abs() < 1e-5);
        assert!((a.level.peak_db - -6.02).abs() < 0.1 && (a.level.rms_db - -9.03).abs() < 0.3);
    }
}

#[test]
fn no_window_spans_a_loss_and_the_time_goes_on_behind_it() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut items = Vec::new();
    stream.push(&tone(32_000), 102.0, |item| items.push(item));
    stream.lose(8_000, LossCause::RingFull, |item| items.push(item));
    assert!((stream.position_s() - 2.5).abs() < 1e-9);
    stream.push(&tone(32_000), 104.5, |item| items.push(item));
    stream.finish(|item| items.push(item));
    assert_eq!(
        notes(&items),
        [&Note::Lost {
            t_s: 2.0,
            lost_s: 0.5,
            cause: LossCause::RingFull
        }]
    );
    let (hole, end) = (2.0 * 22_050.0, 2.5 * 22_050.0);
    let windows = windows(&items);
    for captured in &windows {
        let (first, last) = (
            captured.window.start_sample as f64,
            captured.window.end_sample() as f64,
        );
        assert!(last <= hole + 1.0 || first >= end - 1.0);
        assert!((captured.end_unix_s - 100.0 - last / 22_050.0).abs() < 1e-4);
    }
    assert!(windows.iter().any(|w| w.window.start_sample as f64 == end));
}

#[test]
fn the_rounding_of_many_losses_does_not_add_up() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut last = 0;
    for k in 0..200 {
        stream.push(&tone(24_001), f64::from(k) * 2.0, |item| {
            if let StreamItem::Window(w) = item {
                last = w.window.start_sample;
            }
        });
        stream.lose(7_999, LossCause::RingFull, |_| {});
    }
    // Every round is 2 s, and its last windows begin at a whole number of hops.
    assert_eq!((last - 199 * 44_100) % 1575, 0);
    assert!((stream.position_s() - 400.0).abs() < 1e-9);
}

#[test]
fn a_source_may_come_back_with_another_rate() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut items = Vec::new();
    stream.push(&tone(16_000), 100.0, |item| items.push(item));
    stream.change_rate(48_000, |item| items.push(item)).unwrap();
    stream.lose(3 * 48_000, LossCause::Device, |item| items.push(item));
    stream.push(&tone(96_000), 104.0, |item| items.push(item));
    assert_eq!(
        notes(&items),
        [&Note::Lost {
            t_s: 1.0,
            lost_s: 3.0,
            cause: LossCause::Device
        }]
    );
    assert!((stream.position_s() - 6.0).abs() < 1e-9);
    assert_eq!(windows(&items)[0].window.start_sample, 4 * 22_050);
    assert!(stream.change_rate(1_000, |_| {}).is_err());
}

#[test]
fn two_seconds_of_digital_zeros_are_silence_and_sound_ends_it() {
    let mut stream = Stream::new(RATE_HZ, WindowLength::FRAMES_80).unwrap();
    let mut items = Vec::new();
    let mut push = |sound: &[f32]| {
        items.clear();
        stream.push(sound, 0.0, |item| items.push(item));
        notes(&items).into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(push(&tone(1600)), []);
    assert_eq!(push(&[0.0; 31_999]), []);
    assert_eq!(push(&[0.0; 1]), [Note::Silent]);
    assert_eq!(push(&[0.0; 1600]), []);
    assert_eq!(push(&[0.0, 1e-9, 0.0]), [Note::Running]);
    assert_eq!(push(&[-0.0; 31_998]), []);
    assert_eq!(push(&[-0.0; 1]), [Note::Silent]);
}
