//! The capture callback: runs on the sound system's real-time thread.

use std::sync::Arc;
use std::time::Duration;

use cpal::{FromSample, InputCallbackInfo, SizedSample};

use crate::audio::{AudioFormat, CaptureInstant, Health, RingWriter};
use crate::real_time::{self, Stage};

/// Converts captured blocks into the ring and counts them. It neither allocates, locks, logs nor
/// blocks.
pub struct CaptureCallback {
    writer: RingWriter,
    pub(super) health: Arc<Health>,
    /// At least 1.
    channels: usize,
    /// At least 1.
    rate_hz: u64,
    /// Real-time priority was requested for the thread.
    began: bool,
}

impl CaptureCallback {
    /// A callback for blocks of `format`, the format of the ring that `writer` belongs to.
    pub fn new(writer: RingWriter, health: Arc<Health>, format: AudioFormat) -> Self {
        Self {
            writer,
            health,
            channels: usize::from(format.channels).max(1),
            rate_hz: u64::from(format.rate_hz).max(1),
            began: false,
        }
    }

    /// Takes a block of interleaved samples of any type. Full scale becomes 1.
    pub fn captured<T>(&mut self, samples: &[T], info: &InputCallbackInfo)
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        if !std::mem::replace(&mut self.began, true) {
            // The system's sound server may have seen to it; a refusal is logged by the feed.
            let _ = real_time::request(Stage::Capture);
        }
        let frames = (samples.len() / self.channels) as u64;
        let timestamp = info.timestamp();
        // The age of the block's first frame; its last frame is younger by the block's length.
        let age = timestamp
            .callback
            .saturating_duration_since(timestamp.capture);
        let length = Duration::from_nanos(frames * 1_000_000_000 / self.rate_hz);
        let written = self.writer.write_with(
            samples.iter().map(|&sample| f32::from_sample_(sample)),
            CaptureInstant::now().before(age.saturating_sub(length)),
        );
        self.health.on_block(frames, written);
    }
}
