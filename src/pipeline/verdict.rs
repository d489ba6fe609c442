//! What a recording is as a whole.

use serde::{Deserialize, Serialize};

use crate::pipeline::labels::Labels;

/// Share of a recording's time with a singing voice from which it counts as sung. docs/files.md says what was measured.
pub const SUNG_SHARE: f64 = 0.2;

/// What a recording is as a whole, by the share of its time with a singing voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Somebody sings in it.
    Sung,
    /// Nobody sings in it, or hardly ever.
    Instrumental,
    /// It is too short for a decision.
    TooShort,
}

impl Verdict {
    /// The verdict on a recording.
    #[must_use]
    pub fn of(labels: &Labels) -> Self {
        if labels.decisions.is_empty() {
            Self::TooShort
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
            Self::TooShort => "too_short",
        }
    }
}
