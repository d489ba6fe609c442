//! How label files are read: which words are voice, and what is done with faults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the label files of a corpus are read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LabelSettings {
    /// Further words of labels that are voice, beside the built-in ones; a word here is no longer one without
    /// a voice. `*` stands for every word that is in neither list.
    pub voice_words: Vec<String>,
    /// Further words of labels that are no voice, likewise.
    pub no_voice_words: Vec<String>,
    /// UltraStar's freestyle notes, which are sung or spoken without a pitch: `voice`, `no_voice` or
    /// `left_out`.
    pub freestyle: Freestyle,
    /// Name or number (from 1) of the tier of a TextGrid, or namespace or number of the annotation of a JAMS
    /// file. Default: the only one with a known word.
    pub tier: Option<String>,
    /// Faulty labels (end before start, contradictory, negative or unreadable): `refuse` them, `skip_lines`
    /// or `skip_files`. What is skipped is counted and reported.
    pub faulty: FaultyLabels,
    /// Leave out recordings without labels; they are counted and reported.
    pub skip_unlabelled: bool,
}

impl LabelSettings {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What an UltraStar freestyle note is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freestyle {
    /// A voice.
    #[default]
    Voice,
    /// No voice.
    NoVoice,
    /// Neither: it is neither trained nor measured on.
    LeftOut,
}

impl Freestyle {
    /// The label of a freestyle note; `None` leaves it out.
    pub(super) fn voice(self) -> Option<bool> {
        match self {
            Self::Voice => Some(true),
            Self::NoVoice => Some(false),
            Self::LeftOut => None,
        }
    }
}

/// What is done with faulty labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultyLabels {
    /// The corpus is refused.
    #[default]
    Refuse,
    /// The line is left out.
    SkipLines,
    /// The recording is left out.
    SkipFiles,
}
