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
    /// The stretches of speech, in order; `None` if the model has no output for it.
    pub speech: Option<Vec<Voice>>,
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
    /// Probability of speech, and whether the state is speech, if the model has that output.
    pub speech: Option<(f32, bool)>,
}

/// A stretch of voice or speech.
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
        self.seconds(&self.voices)
    }

    fn seconds(&self, stretches: &[Voice]) -> f64 {
        let seconds = |voice: &Voice| {
            let end_s = voice.offset.t.min(self.duration_s);
            (end_s - voice.onset.t).max(0.0)
        };
        // An empty sum would be -0.
        let stretches = stretches.iter();
        stretches.map(seconds).fold(0.0, std::ops::Add::add)
    }

    /// Share of the time with voice.
    #[must_use]
    pub fn voice_share(&self) -> f64 {
        self.share(self.voice_s())
    }

    /// Share of the time with speech; `None` if the model has no output for it.
    #[must_use]
    pub fn speech_share(&self) -> Option<f64> {
        let speech = self.speech.as_ref()?;
        Some(self.share(self.seconds(speech)))
    }

    fn share(&self, seconds: f64) -> f64 {
        match self.duration_s > 0.0 {
            true => (seconds / self.duration_s).min(1.0),
            false => 0.0,
        }
    }
}
