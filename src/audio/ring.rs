//! Lock-free ring of samples from the capture callback to the frontend, with a stamp per block.
//!
//! The writer never waits for the reader. A block that does not fit is dropped whole, and the
//! next block that fits carries the number of frames lost before it, so that the position of a
//! loss is known. Nothing wakes the reader, because that is a system call that may block: the
//! reader polls every 2 ms, a fraction of a hop (14.3 ms).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer as _, Observer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::audio::{AudioFormat, CaptureInstant, StopFlag};

/// Blocks that are shorter on average may fill the ring of stamps before that of samples.
const SHORTEST_BLOCK_FRAMES: usize = 16;
/// Polling interval of a waiting end of the ring.
const POLL: Duration = Duration::from_millis(2);
/// The reader polls from this part of the time between the last two blocks on: the next one hardly comes sooner.
const SOONEST: f64 = 0.9;
/// Longest sleep before polling.
const LONGEST_SLEEP: Duration = Duration::from_millis(15);

/// Stamp of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Length in frames.
    pub frames: u64,
    /// Frames that were lost between the previous block and this one.
    pub lost_before_frames: u64,
    /// When the block's last frame was captured.
    pub captured: CaptureInstant,
}

/// State that both ends share.
struct Ends {
    writer_gone: AtomicBool,
    reader_gone: AtomicBool,
    /// Lost frames that no stamp carries yet.
    unreported_frames: AtomicU64,
}

/// A ring that holds `capacity_s` seconds of sound in `format`, at least one frame.
pub fn ring(format: AudioFormat, capacity_s: f64) -> (RingWriter, RingReader) {
    let channels = usize::from(format.channels).max(1);
    let frames = ((f64::from(format.rate_hz) * capacity_s).ceil() as usize).max(1);
    let (samples_in, samples_out) = HeapRb::new(frames * channels).split();
    let (stamps_in, stamps_out) = HeapRb::new(frames / SHORTEST_BLOCK_FRAMES + 16).split();
    let ends = Arc::new(Ends {
        writer_gone: AtomicBool::new(false),
        reader_gone: AtomicBool::new(false),
        unreported_frames: AtomicU64::new(0),
    });
    let writer = RingWriter {
        samples: samples_in,
        stamps: stamps_in,
        ends: ends.clone(),
        channels,
    };
    let reader = RingReader {
        samples: samples_out,
        stamps: stamps_out,
        ends,
        format,
        channels,
        newest: Instant::now(),
        spacing: Duration::ZERO,
    };
    (writer, reader)
}

/// The end of the ring that a capture callback holds.
pub struct RingWriter {
    samples: HeapProd<f32>,
    stamps: HeapProd<Block>,
    ends: Arc<Ends>,
    channels: usize,
}

impl RingWriter {
    /// Writes a block of interleaved samples whole, or not at all when it does not fit; `false`
    /// when it was lost. It neither allocates, locks nor waits.
    ///
    /// `captured` is the Unix time at which the block's last frame was captured.
    pub fn write(&mut self, interleaved: &[f32], captured: CaptureInstant) -> bool {
        self.write_block(interleaved.len(), captured, |samples, count| {
            samples.push_slice(&interleaved[..count]);
        })
    }

    /// [`RingWriter::write`] for samples that are converted while they are written.
    pub fn write_with<I>(&mut self, interleaved: I, captured: CaptureInstant) -> bool
    where
        I: ExactSizeIterator<Item = f32>,
    {
        self.write_block(interleaved.len(), captured, |samples, count| {
            samples.push_iter(interleaved.take(count));
        })
    }

    /// Writes the whole frames among `length` samples: `push` puts so many into the ring.
    fn write_block(
        &mut self,
        length: usize,
        captured: CaptureInstant,
        push: impl FnOnce(&mut HeapProd<f32>, usize),
    ) -> bool {
        debug_assert_eq!(length % self.channels, 0, "a block is whole frames");
        let frames = length / self.channels;
        if frames == 0 {
            return true;
        }
        if !self.has_room(frames) {
            self.ends
                .unreported_frames
                .fetch_add(frames as u64, Ordering::Relaxed);
            return false;
        }
        // Samples before the stamp: a reader that sees the stamp finds its samples.
        push(&mut self.samples, frames * self.channels);
        let stamp = Block {
            frames: frames as u64,
            lost_before_frames: self.ends.unreported_frames.load(Ordering::Relaxed),
            captured,
        };
        // There is room: `has_room` checked it, and only this end writes.
        let pushed = self.stamps.try_push(stamp).is_ok();
        debug_assert!(pushed);
        self.ends.unreported_frames.store(0, Ordering::Relaxed);
        true
    }

    /// Writes a block of any length and waits for room, for files at full speed and for pipes;
    /// `false` when `stop` was set or the reader is gone.
    pub fn write_blocking(
        &mut self,
        interleaved: &[f32],
        captured: CaptureInstant,
        stop: &StopFlag,
    ) -> bool {
        // Half the ring at a time, so that writer and reader work concurrently.
        let part_frames = (self.samples.capacity().get() / self.channels / 2).max(1);
        for part in interleaved.chunks(part_frames * self.channels) {
            while !self.has_room(part.len() / self.channels) {
                if self.ends.reader_gone.load(Ordering::Acquire) || stop.wait(POLL) {
                    return false;
                }
            }
            self.write(part, captured);
        }
        !stop.is_stopped() && !self.ends.reader_gone.load(Ordering::Acquire)
    }

    /// Counts frames that were lost before the next block, further up.
    pub(super) fn add_lost(&mut self, frames: u64) {
        self.ends
            .unreported_frames
            .fetch_add(frames, Ordering::Relaxed);
    }

    fn has_room(&self, frames: usize) -> bool {
        self.samples.vacant_len() >= frames * self.channels && !self.stamps.is_full()
    }
}

impl Drop for RingWriter {
    fn drop(&mut self) {
        self.ends.writer_gone.store(true, Ordering::Release);
    }
}

/// The end of the ring that the frontend holds.
pub struct RingReader {
    samples: HeapCons<f32>,
    stamps: HeapCons<Block>,
    ends: Arc<Ends>,
    format: AudioFormat,
    channels: usize,
    /// When the newest block was read, and the time since the one before.
    newest: Instant,
    spacing: Duration,
}

impl RingReader {
    /// Format of the samples.
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// Replaces the content of `samples` by the next block's interleaved samples; `None` when
    /// there is no block yet.
    pub fn read(&mut self, samples: &mut Vec<f32>) -> Option<Block> {
        let block = self.stamps.try_pop()?;
        let now = Instant::now();
        (self.spacing, self.newest) = (now - self.newest, now);
        samples.clear();
        samples.resize(block.frames as usize * self.channels, 0.0);
        let read = self.samples.pop_slice(samples);
        debug_assert_eq!(read, samples.len());
        Some(block)
    }

    /// [`RingReader::read`] that waits up to `timeout` for a block; `None` at once when the ring
    /// is closed.
    pub fn read_timeout(&mut self, samples: &mut Vec<f32>, timeout: Duration) -> Option<Block> {
        let deadline = Instant::now() + timeout;
        loop {
            // Checked before reading, so that the last block before the close is not missed.
            let closed = self.is_closed();
            if let Some(block) = self.read(samples) {
                return Some(block);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if closed || left.is_zero() {
                return None;
            }
            let next = self.newest + self.spacing.mul_f64(SOONEST);
            let sleep = next.saturating_duration_since(Instant::now());
            std::thread::sleep(left.min(sleep.clamp(POLL, LONGEST_SLEEP)));
        }
    }

    /// Whether the writer is gone and everything it wrote was read.
    pub fn is_closed(&self) -> bool {
        self.ends.writer_gone.load(Ordering::Acquire) && self.stamps.is_empty()
    }

    /// Frames that were lost after the last block; 0 while the ring is open.
    pub fn lost_at_end_frames(&self) -> u64 {
        if self.is_closed() {
            self.ends.unreported_frames.load(Ordering::Relaxed)
        } else {
            0
        }
    }
}

impl Drop for RingReader {
    fn drop(&mut self) {
        self.ends.reader_gone.store(true, Ordering::Release);
    }
}
