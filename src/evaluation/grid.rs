//! Where in a track decisions lie.

use crate::frontend::window::frame_time_s;
use crate::frontend::window::lookahead_s;
use crate::frontend::{Features, WINDOW_HOP_FRAMES};

/// Which frames of a track the decisions of a network at one horizon speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    features: Features,
    horizon_frames: u32,
}

impl Grid {
    /// `features` are what the network looks at.
    pub const fn new(features: Features, horizon_frames: u32) -> Self {
        Self {
            features,
            horizon_frames,
        }
    }

    /// The frame that decision `window` speaks of.
    pub fn frame(self, window: usize) -> usize {
        window * WINDOW_HOP_FRAMES + self.features.first_decided_frame(self.horizon_frames)
    }

    /// The time that the decision on a window speaks of, in seconds of the track.
    pub fn time_s(self, window: usize) -> f64 {
        frame_time_s(self.frame(window))
    }

    /// How far that time lies before the end of the window.
    pub fn lookahead_s(self) -> f64 {
        lookahead_s(self.horizon_frames)
    }
}
