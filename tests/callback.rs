//! What the capture callback does, with the allocator forbidden: a single call to it aborts.

use std::sync::Arc;
use std::time::Duration;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use cpal::{InputCallbackInfo, InputStreamTimestamp, StreamInstant};
use vocald::audio::device::CaptureCallback;
use vocald::audio::{AudioFormat, CaptureInstant, Health, ring};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn it_converts_counts_and_loses_without_allocating() {
    let format = AudioFormat {
        rate_hz: 48_000,
        channels: 2,
    };
    let (writer, mut reader) = ring(format, 0.02);
    let health = Arc::new(Health::default());
    let mut callback = CaptureCallback::new(writer, health.clone(), format);
    // The first of 480 frames is 30 ms old, so the last is 20 ms old.
    let info = InputCallbackInfo::new(InputStreamTimestamp {
        callback: StreamInstant::new(5, 30_000_000),
        capture: StreamInstant::new(5, 0),
    });
    let (i16s, i32s, u8s) = ([-16_384i16; 960], [1 << 30; 960], [192u8; 960]);
    let mut out = Vec::with_capacity(960);

    let before = CaptureInstant::now();
    assert_no_alloc(|| {
        callback.captured(&i16s, &info);
        callback.captured(&i32s, &info);
        // The ring is full.
        callback.captured(&u8s, &info);
        let first = reader.read(&mut out).unwrap();
        assert!(out.iter().all(|&x| x == -0.5));
        let age = Duration::from_millis(20);
        let span = before.before(age)..=CaptureInstant::now().before(age);
        assert!(span.contains(&first.captured));
        callback.captured(&u8s, &info);
        assert_eq!(reader.read(&mut out).unwrap().lost_before_frames, 0);
        assert!(out.iter().all(|&x| x == 0.5));
        assert_eq!(reader.read(&mut out).unwrap().lost_before_frames, 480);
        assert!(out.iter().all(|&x| x == 0.5));
        assert!(reader.read(&mut out).is_none());
    });

    let snapshot = health.snapshot();
    assert_eq!((snapshot.callbacks, snapshot.frames_captured), (4, 3 * 480));
    assert_eq!(snapshot.frames_lost, 480);
    assert!(snapshot.since_last_callback.is_some());
}
