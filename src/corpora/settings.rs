//! Settings of one corpus, as an experiment file gives them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A corpus, in the layout its owners publish.
/// A corpus, in the layout its owners publish.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSettings {
    pub kind: CorpusKind,
    /// Its folder, from the data folder on (`--data`); `~` is the home folder.
    pub root: PathBuf,
    /// Share of the training windows, in proportion to the other corpora; 0 takes it for validation only.
    pub weight: f64,
    /// Fraction of its training windows that have a voice in the frame of the largest look-ahead;
    /// unless given, what the tracks hold. It moves how readily the network says voice to such sound.
    #[serde(default)]
    pub voice_share: Option<f64>,
    /// Tracks for validation, by the name of the file without extension; for kinds without a split of their own.
    #[serde(default)]
    pub valid: Vec<String>,
    /// Tracks for testing, likewise.
    #[serde(default)]
    pub test: Vec<String>,
    /// Tracks that are left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Validation and test may have parts that no label covers; they count for nothing there.
    #[serde(default)]
    pub partly_labelled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorpusKind {
    /// MIR-1K (Hsu & Jang 2010), split by the first letter of the singer.
    Mir1k,
    /// Jamendo (Ramona et al. 2008): folders `train`, `valid` and `test`, and a `.lab` a song.
    Jamendo,
    /// RWC popular music with AIST's vocal activity, split by the last digit of the song's number.
    Rwc,
    /// Songs with UltraStar note timings beside them.
    Ultrastar,
    /// `vocals/` and `instrumental/` with files of the same names; a voice's own energy says when
    /// there is one, unless labels lie beside it as they do beside `labelled` songs.
    Stems,
    /// Voices alone: sound is voice, silence is not.
    Solo,
    /// Music without a voice; folders `train`, `valid` and `test` are its split.
    Instrumental,
    /// Speakers alone: not singing. Nobody sings over them, but `speech_fraction` mixes them in.
    Speech,
    /// Instruments alone that take a voice's part: a guitar's solo, a violin. Like solo voices they
    /// are laid over other music, but there is no voice.
    LeadInstruments,
    /// Finished mixes with `NAME.lab`, Audacity's `NAME.txt` or `NAME.csv` beside `NAME.ogg` (or
    /// another sound file).
    Labelled,
}

impl CorpusKind {
    /// As an experiment spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mir1k => "mir1k",
            Self::Jamendo => "jamendo",
            Self::Rwc => "rwc",
            Self::Ultrastar => "ultrastar",
            Self::Stems => "stems",
            Self::Solo => "solo",
            Self::Instrumental => "instrumental",
            Self::Speech => "speech",
            Self::LeadInstruments => "lead_instruments",
            Self::Labelled => "labelled",
        }
    }
}
