//! The horizons of a model, as plain data.

use crate::decision::{OperatingPoint, SpeechOutput};

/// The horizons that a model offers: for each an output and an operating point.
#[derive(Debug, Clone, Copy)]
pub struct ModelHorizons<'a> {
    /// Name of the model, for error messages.
    pub name: &'a str,
    /// Distance of each output's frame from the window's last frame, in frames of 14.286 ms, the largest first.
    pub frames: &'a [u32],
    /// The one of `frames` that is published by default.
    pub default_frames: u32,
    /// One for each of `frames`.
    pub points: &'a [OperatingPoint],
    /// The second output, if there is one.
    pub speech: Option<&'a SpeechOutput>,
}

impl ModelHorizons<'_> {
    /// The same, with the longest horizon as the default: for recordings, whose sound is known beyond the decided frame.
    #[must_use]
    pub fn for_recordings(self) -> Self {
        Self {
            default_frames: self.frames.first().copied().unwrap_or(self.default_frames),
            ..self
        }
    }
}
