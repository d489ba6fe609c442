//! Threads against each other on the ring, the counters of a source, the queue of a sink, the stop flag, the pulses and
//! the queues of inference, under ThreadSanitizer. The sources are those of the program.

#![allow(dead_code, unused_imports, missing_docs)]

#[path = "../../../src/audio/clock.rs"]
mod clock;
#[path = "../../../src/audio/format.rs"]
mod format;
#[path = "../../../src/audio/health.rs"]
mod health;
#[path = "../../../src/pulse.rs"]
mod pulse;
#[path = "../../../src/publish/queue.rs"]
mod queue;
#[path = "../../../src/audio/ring.rs"]
mod ring;
#[path = "../../../src/audio/stop.rs"]
mod stop;

/// The names under which the program's files know each other.
mod audio {
    pub use crate::clock::CaptureInstant;
    pub use crate::format::AudioFormat;
    pub use crate::health::Health;
    pub use crate::stop::StopFlag;
}

mod inference;

mod decision {
    #[derive(Debug, Clone, PartialEq)]
    pub struct Decider;
}

mod frontend {
    #[derive(Debug, Clone, PartialEq)]
    pub struct Window {
        pub number: u64,
    }

    impl Window {
        pub fn time_s(&self, _: u32) -> f64 {
            self.number as f64
        }
    }
}

#[cfg(test)]
mod inference_tests;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use crate::audio::{AudioFormat, CaptureInstant, Health, StopFlag};
    use crate::pulse::Pulses;
    use crate::queue::{Delivery, Queue};
    use crate::ring;

    const BLOCKS: u64 = 20_000;
    const FRAMES: u64 = 32;
    const LONG: Duration = Duration::from_secs(10);

    const FORMAT: AudioFormat = AudioFormat {
        rate_hz: 8_000,
        channels: 2,
    };

    /// Every block is whole, in order, and with those that are lost between them counted.
    #[test]
    fn a_ring_between_a_callback_and_a_feed() {
        // Small, so that blocks are lost.
        let (mut writer, mut reader) = ring::ring(FORMAT, 0.02);
        let health = Arc::new(Health::default());
        let counted = Arc::clone(&health);
        let callback = thread::spawn(move || {
            for number in 0..BLOCKS {
                let block = [number as f32; 2 * FRAMES as usize];
                let written = writer.write(&block, CaptureInstant::now());
                counted.on_block(FRAMES, written);
                if number % 64 == 0 {
                    thread::yield_now();
                }
            }
        });
        let watched = Arc::clone(&health);
        let watcher = thread::spawn(move || {
            let mut before = 0;
            while before < BLOCKS {
                let now = watched.snapshot().callbacks;
                assert!(now >= before);
                before = now;
            }
        });
        let (mut samples, mut next, mut lost) = (Vec::new(), 0, 0);
        while let Some(block) = reader.read_timeout(&mut samples, LONG) {
            next += block.lost_before_frames / FRAMES;
            lost += block.lost_before_frames;
            assert_eq!(block.frames, FRAMES);
            assert!(samples.iter().all(|&sample| sample == next as f32));
            next += 1;
        }
        lost += reader.lost_at_end_frames();
        callback.join().unwrap();
        watcher.join().unwrap();
        let counted = health.snapshot();
        assert_eq!(counted.frames_lost, lost);
        assert_eq!(counted.frames_captured + lost, BLOCKS * FRAMES);
    }

    /// A source that waits loses nothing, and ends when its reader is gone.
    #[test]
    fn a_ring_whose_writer_waits() {
        let (mut writer, mut reader) = ring::ring(FORMAT, 0.02);
        let stop = StopFlag::new();
        let source = thread::spawn({
            let stop = stop.child();
            move || {
                let mut number = 0.0;
                while writer.write_blocking(&[number; 200], CaptureInstant::now(), &stop) {
                    number += 1.0;
                }
            }
        });
        let (mut samples, mut frames) = (Vec::new(), 0);
        while frames < 20_000 {
            let block = reader.read_timeout(&mut samples, LONG).unwrap();
            for sample in &samples {
                assert_eq!(*sample, (frames * 2 / 200) as f32);
            }
            assert_eq!(block.lost_before_frames, 0);
            frames += block.frames;
        }
        drop(reader);
        source.join().unwrap();
        stop.stop();
    }

    fn numbers(delivery: Delivery) -> (Vec<u64>, u64) {
        let queue = Arc::new(Queue::new(delivery));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    (0..BLOCKS / 4).for_each(|n| queue.push(4 * n + writer));
                })
            })
            .collect();
        let finisher = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                writers
                    .into_iter()
                    .for_each(|writer| writer.join().unwrap());
                queue.finish();
            }
        });
        let (mut taken, mut dropped) = (Vec::new(), 0);
        while let Some(lost) = queue.take(&mut taken, 16, LONG) {
            dropped += lost;
        }
        finisher.join().unwrap();
        (taken, dropped)
    }

    #[test]
    fn queues_of_sinks() {
        let (mut taken, dropped) = numbers(Delivery::Lossless { capacity: 8 });
        taken.sort_unstable();
        assert_eq!((taken, dropped), ((0..BLOCKS).collect(), 0));
        let (taken, dropped) = numbers(Delivery::DropOldest { capacity: 8 });
        assert_eq!(taken.len() as u64 + dropped, BLOCKS);
    }

    #[test]
    fn a_queue_that_closes_holds_nobody_up() {
        for _ in 0..200 {
            let queue = Arc::new(Queue::new(Delivery::Lossless { capacity: 1 }));
            let writer = thread::spawn({
                let queue = Arc::clone(&queue);
                move || (0..50).for_each(|n| queue.push(n))
            });
            queue.take(&mut Vec::new(), 1, LONG);
            queue.close();
            writer.join().unwrap();
        }
    }

    #[test]
    fn stop_flags_and_pulses() {
        let (stop, pulses) = (StopFlag::new(), Pulses::default());
        let workers: Vec<_> = (0..4)
            .map(|number| {
                let (stop, pulse) = (stop.child(), pulses.add(format!("{number}")));
                thread::spawn(move || {
                    while !stop.wait(Duration::from_micros(100)) {
                        let _at_work = pulse.at_work();
                    }
                })
            })
            .collect();
        for _ in 0..200 {
            assert!(pulses.hanging(LONG).is_empty());
        }
        stop.stop();
        workers
            .into_iter()
            .for_each(|worker| worker.join().unwrap());
    }
}
