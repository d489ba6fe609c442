//! A folder that no experiment describes: its layout and its songs.

use std::path::{Path, PathBuf};

use crate::corpora::files::{place, sounds_below};
use crate::corpora::frame_labels::Labels;
use crate::corpora::item::{Files, Item};
use crate::corpora::labels::LabelSettings;
use crate::corpora::load::items;
use crate::corpora::{CorpusError, CorpusKind, CorpusProblem, CorpusSettings, Split, stems};

/// A folder of songs with labels beside them, or of stems.
pub struct SongFolder {
    /// The folder as a corpus without a split.
    pub settings: CorpusSettings,
    /// Its songs with labels, in the order of their paths.
    pub songs: Vec<Song>,
}

/// A labelled song.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Song {
    /// Its path below the folder, without an extension; of stems in a folder per song, that folder.
    pub place: PathBuf,
    /// Whether any of its labels is voice; of stems, without label files, the sound decides later.
    pub has_voice: bool,
}

/// A folder that cannot be trained on.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum FolderError {
    /// No recording has labels.
    #[error(
        "none of the {recordings} recordings in {} has labels beside it, such as NAME.lab or NAME.txt (Audacity) beside \
         NAME.wav (docs/files.md lists the formats)",
        folder.display()
    )]
    NoLabels { folder: PathBuf, recordings: usize },
    /// Some recordings have no labels.
    #[error("{error}\n  (--skip-unlabelled leaves out recordings without labels)")]
    SomeUnlabelled { error: CorpusError },
    /// Anything else that is wrong.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
}

impl SongFolder {
    /// Finds the songs of a folder; no sound is decoded.
    ///
    /// # Errors
    /// All problems of the folder at once: no recordings, no labels, faulty ones.
    pub fn find(folder: &Path, labels: LabelSettings) -> Result<Self, FolderError> {
        let unusable = |problems| CorpusError {
            name: folder.display().to_string(),
            problems,
        };
        let sounds = sounds_below(folder).map_err(unusable)?;
        let kind = match stems::is_layout_of(folder, &sounds) {
            true => CorpusKind::Stems,
            false => CorpusKind::Labelled,
        };
        let settings = CorpusSettings {
            labels,
            partly_labelled: true,
            ..CorpusSettings::new(kind, folder, 1.0)
        };
        let found = items(&settings, Path::new(""), Split::Train);
        let no_labels = || FolderError::NoLabels {
            folder: folder.into(),
            recordings: sounds.len(),
        };
        let items = found.map_err(|error| {
            let missing = error.problems.iter();
            match missing.filter(|p| is_missing(p)).count() {
                0 => FolderError::Corpus(error),
                count if count == sounds.len() => no_labels(),
                _ => FolderError::SomeUnlabelled { error },
            }
        })?;
        match items.is_empty() {
            true => Err(no_labels()),
            false => Ok(Self {
                songs: items.iter().map(|item| song(item, folder)).collect(),
                settings,
            }),
        }
    }
}

fn is_missing(problem: &CorpusProblem) -> bool {
    matches!(problem, CorpusProblem::NoLabels { .. })
}

fn song(item: &Item, folder: &Path) -> Song {
    let place = match &item.files {
        Files::Mix(path) => place(folder, path),
        Files::Stems { voice, .. } if !voice.starts_with(folder.join("vocals")) => {
            stems::song_folder(folder, voice)
        }
        _ => PathBuf::from(&item.name),
    };
    let has_voice = match &item.labels {
        Labels::Song(file) | Labels::File(file) => {
            file.spans.iter().any(|span| span.voice == Some(true))
        }
        Labels::VoiceEnergy => true,
        Labels::NoVoice | Labels::SpeechEnergy => false,
    };
    Song { place, has_voice }
}
