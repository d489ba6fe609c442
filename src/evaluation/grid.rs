//! Frames and times of the decisions on a track.

use crate::frontend::window::{frame_time_s, lookahead_s};
use crate::frontend::{Features, SAMPLE_RATE_HZ, WINDOW_HOP_FRAMES, WINDOW_HOP_SAMPLES};

/// Time from one decision to the next, in seconds.
pub const WINDOW_HOP_S: f64 = WINDOW_HOP_SAMPLES as f64 / SAMPLE_RATE_HZ as f64;

/// Maps the windows of a track to the frames that a network predicts at one horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    features: Features,
    horizon_frames: u32,
}

impl Grid {
    /// The grid of a network with these input features.
    pub const fn new(features: Features, horizon_frames: u32) -> Self {
        Self {
            features,
            horizon_frames,
        }
    }

    /// The frame that is predicted from window `window`.
    pub fn frame(self, window: usize) -> usize {
        window * WINDOW_HOP_FRAMES + self.features.first_decided_frame(self.horizon_frames)
    }

    /// The time of that frame in seconds of the track.
    pub fn time_s(self, window: usize) -> f64 {
        frame_time_s(self.frame(window))
    }

    /// The distance of that time from the end of the window, in seconds.
    pub fn lookahead_s(self) -> f64 {
        lookahead_s(self.horizon_frames)
    }
}
