//! Sample rate and channel count of sound.

/// Sample rate and channel count of interleaved sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioFormat {
    /// Frames per second.
    pub rate_hz: u32,
    /// Samples per frame.
    pub channels: u16,
}

impl AudioFormat {
    /// Duration of `frames`.
    pub(crate) fn seconds(self, frames: u64) -> f64 {
        frames as f64 / f64::from(self.rate_hz)
    }
}

impl std::fmt::Display for AudioFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.channels == 1 { "" } else { "s" };
        write!(
            f,
            "{} Hz with {} channel{plural}",
            self.rate_hz, self.channels
        )
    }
}
