//! What a recording is as a whole.

use serde::{Deserialize, Serialize};

use crate::pipeline::labels::Labels;

/// Share of a recording's time with a singing voice from which it counts as sung. docs/files.md says what was measured.
pub const SUNG_SHARE: f64 = 0.2;

/// Share of a recording's time with speech from which it counts as spoken.
pub const SPOKEN_SHARE: f64 = 0.2;
/// A spoken recording has this many times as much speech as singing.
const SPOKEN_OVER_SUNG: f64 = 2.0;

/// What a recording is as a whole, by the shares of its time with a singing voice and with speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Somebody sings in it.
    Sung,
    /// Nobody sings in it, or hardly ever.
    Instrumental,
    /// Somebody speaks in it, and hardly anybody sings. Only models with an output for speech know.
    Spoken,
    /// It is too short for a decision.
    TooShort,
}

impl Verdict {
    /// The verdict on a recording.
    #[must_use]
    pub fn of(labels: &Labels) -> Self {
        if labels.decisions.is_empty() {
            return Self::TooShort;
        }
        let speech_share = labels.speech_share().unwrap_or(0.0);
        if speech_share >= SPOKEN_SHARE && speech_share >= SPOKEN_OVER_SUNG * labels.voice_share() {
            Self::Spoken
        } else if labels.voice_share() >= SUNG_SHARE {
            Self::Sung
        } else {
            Self::Instrumental
        }
    }

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sung => "sung",
            Self::Instrumental => "instrumental",
            Self::Spoken => "spoken",
            Self::TooShort => "too_short",
        }
    }
}
