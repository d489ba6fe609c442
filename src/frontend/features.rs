//! The kinds of features that networks take.

use std::fmt;

use crate::frontend::WINDOW_HOP_SAMPLES;
use crate::frontend::separated_mel::{
    SEPARATED_HOP_SAMPLES, SEPARATED_HORIZON_FRAMES, SEPARATED_RATE_HZ, SEQUENCE_FRAMES,
    SEQUENCE_HOP_FRAMES,
};
use crate::frontend::{MEL_BANDS, SAMPLE_RATE_HZ, WindowLength};

/// The kind of features that a network takes, and how many frames at once. Both kinds have 80
/// values per frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Features {
    /// Windows of log-mel frames of a stream. A network predicts some frames of each window: those
    /// at its horizons.
    Mel(WindowLength),
    /// Sequences of log energies of a separated recording ([`super::separated_mel`]). A network
    /// predicts every frame. Its only horizon is the reach of its input.
    SeparatedMel,
}

/// A noun phrase for messages.
impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Mel(window) => {
                let frames = window.frames();
                write!(
                    f,
                    "windows of {frames} log-mel frames, {:.2} s",
                    window.seconds()
                )
            }
            Self::SeparatedMel => {
                let frames = self.frames();
                write!(
                    f,
                    "whole recordings, separated, in sequences of {frames} frames"
                )
            }
        }
    }
}

impl Features {
    /// Frames of one input of a network.
    pub const fn frames(self) -> usize {
        match self {
            Self::Mel(window) => window.frames(),
            Self::SeparatedMel => SEQUENCE_FRAMES,
        }
    }

    /// Values of one input of a network: frames × [`MEL_BANDS`].
    pub const fn values(self) -> usize {
        self.frames() * MEL_BANDS
    }

    /// Whether a network can predict the frame at this horizon.
    pub fn reach(self, horizon_frames: u32) -> bool {
        match self {
            Self::Mel(window) => window.reaches(horizon_frames),
            Self::SeparatedMel => horizon_frames == SEPARATED_HORIZON_FRAMES,
        }
    }

    /// The default horizon: the centre of a window, or the only one.
    pub fn default_horizon_frames(self) -> u32 {
        match self {
            Self::Mel(window) => window.centre_horizon_frames(),
            Self::SeparatedMel => SEPARATED_HORIZON_FRAMES,
        }
    }

    /// A phrase for messages that names the allowed horizons.
    pub fn allowed_horizons(self) -> String {
        match self {
            Self::Mel(window) => format!("falling numbers below {}", window.frames()),
            Self::SeparatedMel => format!("nothing but {SEPARATED_HORIZON_FRAMES}"),
        }
    }

    /// Indices of the frames in one input that a network with these horizons predicts.
    pub fn predicted_frames(self, horizons_frames: &[u32]) -> Vec<usize> {
        match self {
            Self::Mel(window) => {
                let frame = |&h: &u32| window.frame_at(h);
                horizons_frames.iter().map(frame).collect()
            }
            Self::SeparatedMel => (0..SEQUENCE_FRAMES).collect(),
        }
    }

    /// The frame of the common grid (315 samples at 22 050 Hz) that the first decision on a
    /// recording is for. Each further decision is for 5 frames, 71.43 ms, later.
    pub fn first_decided_frame(self, horizon_frames: u32) -> usize {
        match self {
            Self::Mel(window) => window.frame_at(horizon_frames),
            Self::SeparatedMel => 0,
        }
    }

    /// Time from one window, or sequence, of a recording to the next, in seconds.
    pub fn hop_s(self) -> f64 {
        match self {
            Self::Mel(_) => WINDOW_HOP_SAMPLES as f64 / f64::from(SAMPLE_RATE_HZ),
            Self::SeparatedMel => {
                (SEQUENCE_HOP_FRAMES * SEPARATED_HOP_SAMPLES) as f64 / f64::from(SEPARATED_RATE_HZ)
            }
        }
    }
}
