//! The ring: in order, whole blocks, every loss reported at its place, and no allocation.

use std::time::Duration;

use proptest::prelude::*;
use vocald::audio::{AudioFormat, Block, CaptureInstant, StopFlag, ring};

fn at(nanoseconds: u64) -> CaptureInstant {
    CaptureInstant::from_start(Duration::from_nanos(nanoseconds))
}

const STEREO: AudioFormat = AudioFormat {
    rate_hz: 1000,
    channels: 2,
};

/// What a ring should do, written down simply.
#[derive(Default)]
struct Model {
    blocks: std::collections::VecDeque<(Block, Vec<f32>)>,
    samples: usize,
    untold: u64,
}

proptest! {
    #[test]
    fn it_is_a_bounded_queue_that_tells_its_losses(
        steps in prop::collection::vec(prop_oneof![(1usize..60).prop_map(Some), Just(None)], 1..400),
    ) {
        let (mut writer, mut reader) = ring(STEREO, 0.1);
        let capacity = 200;
        let mut model = Model::default();
        let (mut next, mut out) = (0.0f32, Vec::new());
        for (time, step) in steps.into_iter().enumerate() {
            let Some(frames) = step else {
                let expected = model.blocks.pop_front();
                let got = reader.read(&mut out).map(|block| (block, out.clone()));
                model.samples -= expected.as_ref().map_or(0, |(_, samples)| samples.len());
                prop_assert_eq!(got, expected);
                continue;
            };
            let samples: Vec<f32> = (0..2 * frames).map(|n| next + n as f32).collect();
            next += samples.len() as f32;
            let fits = model.samples + samples.len() <= capacity && model.blocks.len() < 22;
            prop_assert_eq!(writer.write(&samples, at(time as u64)), fits);
            if fits {
                let block = Block {
                    frames: frames as u64,
                    lost_before_frames: std::mem::take(&mut model.untold),
                    captured: at(time as u64),
                };
                model.samples += samples.len();
                model.blocks.push_back((block, samples));
            } else {
                model.untold += frames as u64;
            }
        }
        prop_assert!(!reader.is_closed());
        prop_assert_eq!(reader.lost_at_end_frames(), 0);
        drop(writer);
        for expected in model.blocks {
            prop_assert!(!reader.is_closed());
            let block = reader.read(&mut out);
            prop_assert_eq!(block.map(|block| (block, out.clone())), Some(expected));
        }
        prop_assert!(reader.is_closed());
        prop_assert_eq!(reader.lost_at_end_frames(), model.untold);
    }
}

/// A number that a float holds exactly, for every place in a long stream.
fn value(place: u64) -> f32 {
    (place % (1 << 24)) as f32
}

#[test]
fn two_threads_agree_on_every_sample_and_every_loss() {
    let (mut writer, mut reader) = ring(STEREO, 0.5);
    let total_frames = 3_000_000u64;
    let writing = std::thread::spawn(move || {
        let (mut place, mut written, mut block) = (0u64, 0u64, Vec::new());
        while place < total_frames {
            let frames = (1 + place * 7 % 61).min(total_frames - place);
            block.clear();
            block.extend((2 * place..2 * (place + frames)).map(value));
            if writer.write(&block, at(place)) {
                written += frames;
            }
            place += frames;
        }
        written
    });
    let (mut place, mut read, mut block) = (0u64, 0u64, Vec::new());
    while !reader.is_closed() {
        let Some(stamp) = reader.read(&mut block) else {
            std::thread::yield_now();
            continue;
        };
        place += stamp.lost_before_frames;
        assert_eq!(stamp.captured, at(place));
        assert_eq!(block.len() as u64, 2 * stamp.frames);
        let expected = (2 * place..2 * (place + stamp.frames)).map(value);
        assert!(block.iter().copied().eq(expected), "at frame {place}");
        place += stamp.frames;
        read += stamp.frames;
    }
    assert_eq!(place + reader.lost_at_end_frames(), total_frames);
    assert_eq!(read, writing.join().unwrap());
}

#[test]
fn a_waiting_writer_loses_nothing() {
    let (mut writer, mut reader) = ring(STEREO, 0.05);
    let sent: Vec<f32> = (0..20_000).map(value).collect();
    let writing = std::thread::spawn({
        let sent = sent.clone();
        // Blocks longer than the ring, too.
        move || {
            sent.chunks(1_234)
                .all(|block| writer.write_blocking(block, at(0), &StopFlag::new()))
        }
    });
    let (mut received, mut block) = (Vec::new(), Vec::new());
    while let Some(stamp) = reader.read_timeout(&mut block, Duration::from_secs(10)) {
        assert_eq!(stamp.lost_before_frames, 0);
        received.extend_from_slice(&block);
    }
    assert!(received == sent);
    assert!(writing.join().unwrap());
}

#[test]
fn a_waiting_writer_ends_on_request_or_when_nobody_reads() {
    let stop = StopFlag::new();
    let (mut writer, reader) = ring(STEREO, 0.01);
    let writing = std::thread::spawn({
        let stop = stop.clone();
        move || writer.write_blocking(&[0.0; 2_000], at(0), &stop)
    });
    stop.stop();
    assert!(!writing.join().unwrap());
    drop(reader);

    let (mut writer, reader) = ring(STEREO, 0.01);
    drop(reader);
    assert!(!writer.write_blocking(&[0.0; 2_000], at(0), &StopFlag::new()));
}
