//! Settings of one corpus, as an experiment file gives them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::corpora::labels::LabelSettings;

/// Where windows come from: one corpus.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorpusSettings {
    /// The layout of the corpus.
    pub kind: CorpusKind,
    /// The name in reports. Unless given, that of the kind.
    #[serde(default)]
    pub name: Option<String>,
    /// Its folder, relative to the data folder (`--data`); `~` is the home folder.
    pub root: PathBuf,
    /// Share of the training windows, in proportion to the other corpora; 0 uses the corpus for validation
    /// only.
    pub weight: f64,
    /// Fraction (0 to 1) of its training windows with a voice in the frame of the largest look-ahead. It
    /// decides how readily the network predicts a voice for such sound. Default: as the tracks have it.
    #[serde(default)]
    pub voice_share: Option<f64>,
    /// Tracks for validation, by file name without extension, by path below `root` without extension, or by folder; for
    /// kinds without a published split.
    #[serde(default)]
    pub valid: Vec<String>,
    /// Tracks for testing, likewise.
    #[serde(default)]
    pub test: Vec<String>,
    /// Tracks that are not used at all, likewise.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Allow tracks for validation and testing to have parts without a label; these parts are not measured.
    #[serde(default)]
    pub partly_labelled: bool,
    /// For `stems`: change of the voice's level, -60 to 60. It changes the balance of the mix, not the labels.
    #[serde(default)]
    pub voice_db: f32,
    /// For `stems`, in validation and testing: every accompaniment is a track of its own as well, without a
    /// voice. Song and accompaniment count as one song.
    #[serde(default)]
    pub band_alone: bool,
    /// For `speech`: while training, speakers are laid over other music, as loud as a voice, unless `solo_fraction`
    /// leaves them alone.
    #[serde(default)]
    pub over_music: bool,
    /// How its label files are read.
    #[serde(default, skip_serializing_if = "LabelSettings::is_default")]
    pub labels: LabelSettings,
}

/// The layout of a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorpusKind {
    /// MIR-1K (Hsu & Jang 2010), split by the first letter of the singer.
    Mir1k,
    /// Jamendo (Ramona et al. 2008): 93 songs, and a `.lab` for each; split by the published lists, or by folders
    /// `train`, `valid` and `test`.
    Jamendo,
    /// RWC popular music with AIST's vocal activity, split by the last digit of the song's number.
    Rwc,
    /// Songs with UltraStar note timings beside them.
    Ultrastar,
    /// Stems: folders `vocals` and `instrumental` with files of the same names, or as MUSDB18-HQ has them, a folder
    /// with `vocals.wav` and other stems for each song, below `train` and `test`. The energy of the vocal stem
    /// decides where there is a voice, unless labels lie beside it as they do beside `labelled` songs.
    Stems,
    /// Voices alone: sound is voice, silence is not.
    Solo,
    /// Music without a voice; its split is the folders `train`, `valid` and `test`.
    Instrumental,
    /// Speech, which is not singing. `speech_fraction` mixes it into music.
    Speech,
    /// Lead instruments alone: a guitar's solo, a violin. Like solo voices they are laid over other music,
    /// but there is no voice.
    LeadInstruments,
    /// Finished mixes with labels beside them, in any label format: `NAME.lab`, Audacity's `NAME.txt`, `NAME.csv`
    /// and others beside `NAME.ogg` (or another sound file).
    Labelled,
}

impl CorpusSettings {
    /// A corpus in this folder with the default of every other setting.
    pub fn new(kind: CorpusKind, root: impl Into<PathBuf>, weight: f64) -> Self {
        Self {
            kind,
            name: None,
            root: root.into(),
            weight,
            voice_share: None,
            valid: Vec::new(),
            test: Vec::new(),
            exclude: Vec::new(),
            partly_labelled: false,
            voice_db: 0.0,
            band_alone: false,
            over_music: false,
            labels: LabelSettings::default(),
        }
    }

    /// A short name for reports: its own, or that of its kind.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.kind.name())
    }
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
