//! From the capture callback to the frontend: a lock-free ring of samples, with a stamp for
//! every block.
//!
//! The writer never waits for the reader. A block that does not fit is left out whole, and the
//! next block that does fit tells how many frames are missing before it, so that a loss is
//! known at the place where it happened. Nothing wakes the reader: waking is a system call that
//! may block, so the reader looks every few milliseconds, which is little beside a hop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ringbuf::traits::{Consumer as _, Observer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::audio::{AudioFormat, StopFlag};

/// Blocks shorter than this on average may fill the ring of stamps before that of samples.
const SHORTEST_BLOCK_FRAMES: usize = 16;
/// How often a waiting end of the ring looks again.
const POLL: Duration = Duration::from_millis(2);

/// A block as the reader gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    pub frames: u64,
    /// Frames that are missing between the block before and this one.
    pub lost_before_frames: u64,
    /// When the block's last frame was captured, Unix time.
    pub captured_unix_ns: u64,
}

struct Ends {
    writer_gone: AtomicBool,
    reader_gone: AtomicBool,
    /// Lost frames that no stamp has told of yet.
    untold_frames: AtomicU64,
}

/// Makes a ring that holds `capacity_s` seconds of `format`.
pub fn ring(format: AudioFormat, capacity_s: f64) -> (RingWriter, RingReader) {
    let channels = usize::from(format.channels).max(1);
    let frames = ((f64::from(format.rate_hz) * capacity_s).ceil() as usize).max(1);
    let (samples_in, samples_out) = HeapRb::new(frames * channels).split();
    let (stamps_in, stamps_out) = HeapRb::new(frames / SHORTEST_BLOCK_FRAMES + 16).split();
    let ends = Arc::new(Ends {
        writer_gone: AtomicBool::new(false),
        reader_gone: AtomicBool::new(false),
        untold_frames: AtomicU64::new(0),
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
    /// Writes a block of interleaved samples, all of it or, when it does not fit, nothing.
    /// `false` when it was lost. Neither allocates nor locks nor waits.
    pub fn write(&mut self, interleaved: &[f32], captured_unix_ns: u64) -> bool {
        self.write_with(interleaved.iter().copied(), captured_unix_ns)
    }

    /// [`RingWriter::write`] for samples that are converted on the way.
    pub fn write_with<I>(&mut self, interleaved: I, captured_unix_ns: u64) -> bool
    where
        I: ExactSizeIterator<Item = f32>,
    {
        debug_assert_eq!(
            interleaved.len() % self.channels,
            0,
            "a block is whole frames"
        );
        let frames = interleaved.len() / self.channels;
        if frames == 0 {
            return true;
        }
        if !self.has_room(frames) {
            self.ends
                .untold_frames
                .fetch_add(frames as u64, Ordering::Relaxed);
            return false;
        }
        // Samples before the stamp: whoever sees the stamp finds its samples there.
        self.samples
            .push_iter(interleaved.take(frames * self.channels));
        let stamp = Block {
            frames: frames as u64,
            lost_before_frames: self.ends.untold_frames.load(Ordering::Relaxed),
            captured_unix_ns,
        };
        // There is room for it: only this end writes, and `has_room` has looked.
        let told = self.stamps.try_push(stamp).is_ok();
        debug_assert!(told);
        self.ends.untold_frames.store(0, Ordering::Relaxed);
        true
    }

    /// Writes a block of any length, waiting for room: for files at full pace and for pipes.
    /// `false` when the flag was set or the reader has gone.
    pub fn write_blocking(
        &mut self,
        interleaved: &[f32],
        captured_unix_ns: u64,
        stop: &StopFlag,
    ) -> bool {
        // Half the ring, so that writer and reader work at the same time.
        let part_frames = (self.samples.capacity().get() / self.channels / 2).max(1);
        for part in interleaved.chunks(part_frames * self.channels) {
            while !self.has_room(part.len() / self.channels) {
                if self.ends.reader_gone.load(Ordering::Acquire) || stop.wait(POLL) {
                    return false;
                }
            }
            self.write(part, captured_unix_ns);
        }
        !stop.is_stopped() && !self.ends.reader_gone.load(Ordering::Acquire)
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
}

impl RingReader {
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// Replaces what is in `samples` by the next block's; `None` when there is none yet.
    pub fn read(&mut self, samples: &mut Vec<f32>) -> Option<Block> {
        let block = self.stamps.try_pop()?;
        samples.clear();
        samples.resize(block.frames as usize * self.channels, 0.0);
        let read = self.samples.pop_slice(samples);
        debug_assert_eq!(read, samples.len());
        Some(block)
    }

    /// [`RingReader::read`], waiting up to `timeout` for a block; `None` at once when the ring
    /// is closed.
    pub fn read_timeout(&mut self, samples: &mut Vec<f32>, timeout: Duration) -> Option<Block> {
        let deadline = Instant::now() + timeout;
        loop {
            // Asked first: a block written before the writer went must not be missed.
            let closed = self.is_closed();
            if let Some(block) = self.read(samples) {
                return Some(block);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if closed || left.is_zero() {
                return None;
            }
            std::thread::sleep(left.min(POLL));
        }
    }

    /// The writer is gone and all it wrote was read.
    pub fn is_closed(&self) -> bool {
        self.ends.writer_gone.load(Ordering::Acquire) && self.stamps.is_empty()
    }

    /// Frames lost after the last block, when the ring is closed.
    pub fn lost_at_end_frames(&self) -> u64 {
        if self.is_closed() {
            self.ends.untold_frames.load(Ordering::Relaxed)
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

/// The Unix time now, in nanoseconds.
pub fn unix_now_ns() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        })
}
