//! The labels of a recording.

use vocald_client::message::{Offset, Onset};

use crate::audio::AudioFormat;
use crate::pipeline::recording::Input;

/// The labels of one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The labelled recording.
    pub input: Input,
    /// Name of the model.
    pub model: String,
    /// The horizon that was decided at, in frames before a window's last.
    pub horizon_frames: u32,
    /// Format of the recording, at its end if it changes.
    pub format: AudioFormat,
    /// Length of the decoded sound, in seconds.
    pub duration_s: f64,
    /// What is wrong with the file, if anything.
    pub damage: Option<String>,
    /// What makes the labels doubtful, in sentences.
    pub warnings: Vec<String>,
    /// One decision every 71.43 ms.
    pub decisions: Vec<FrameDecision>,
    /// The stretches of voice, in order.
    pub voices: Vec<Voice>,
}

/// The decision on one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameDecision {
    /// Time of the frame, in seconds.
    pub t_s: f64,
    /// Probability of voice.
    pub p: f32,
    /// Whether the state is voice.
    pub voice: bool,
}

/// A stretch of voice.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    /// Its beginning.
    pub onset: Onset,
    /// Its end.
    pub offset: Offset,
}

impl Labels {
    /// Time with voice, in seconds.
    #[must_use]
    pub fn voice_s(&self) -> f64 {
        let seconds = |voice: &Voice| {
            let end_s = voice.offset.t.min(self.duration_s);
            (end_s - voice.onset.t).max(0.0)
        };
        // An empty sum would be -0.
        self.voices
            .iter()
            .map(seconds)
            .fold(0.0, std::ops::Add::add)
    }

    /// Share of the time with voice.
    #[must_use]
    pub fn voice_share(&self) -> f64 {
        match self.duration_s > 0.0 {
            true => (self.voice_s() / self.duration_s).min(1.0),
            false => 0.0,
        }
    }
}
