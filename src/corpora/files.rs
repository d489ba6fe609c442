//! The files of a corpus: recordings below its folder, and their splits.

use std::path::{Path, PathBuf};

use crate::audio::sound_files::{Hidden, SOUND_EXTENSIONS, UnreadableFolder, files_below};
use crate::corpora::{CorpusProblem, CorpusSettings, Split};

/// Every file below a folder with one of `extensions` (lower case, without a dot), in the order of the names.
/// Links to folders are followed; hidden files are passed over and counted.
///
/// # Errors
/// Every folder that cannot be read.
pub(crate) fn below(
    folder: &Path,
    extensions: &[&str],
) -> Result<Vec<PathBuf>, Vec<CorpusProblem>> {
    let unreadable = |folder: UnreadableFolder| CorpusProblem::Unreadable {
        path: folder.path,
        reason: folder.source,
    };
    let found = files_below(folder, extensions)
        .map_err(|folders| folders.into_iter().map(unreadable).collect::<Vec<_>>())?;
    let count = found.len();
    let visible: Vec<PathBuf> = found
        .into_iter()
        .filter(|path| !is_hidden(path.strip_prefix(folder).unwrap_or(path)))
        .collect();
    if visible.len() < count {
        tracing::warn!(
            "{} hidden files below {} are passed over (names that begin with a dot, folders `__MACOSX`)",
            count - visible.len(),
            folder.display()
        );
    }
    Ok(visible)
}

/// Whether a path has a hidden part.
fn is_hidden(path: &Path) -> bool {
    let mut parts = path.components();
    parts.any(|part| Hidden::of(part.as_os_str()).is_some())
}

/// Every sound file below a folder, in the order of the names.
///
/// # Errors
/// If there is none, or a folder cannot be read.
pub(crate) fn sounds_below(folder: &Path) -> Result<Vec<PathBuf>, Vec<CorpusProblem>> {
    let found = below(folder, SOUND_EXTENSIONS)?;
    if found.is_empty() {
        let path = folder.into();
        return Err(vec![CorpusProblem::NoSounds { path }]);
    }
    Ok(found)
}

/// The name of a file without its extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The recordings of one split of a corpus that its settings split.
pub(super) struct SplitSounds {
    /// Names and paths, in the order of the names.
    pub sounds: Vec<(String, PathBuf)>,
    /// Names in the settings without a file: a misspelt one would put a track into training.
    pub problems: Vec<CorpusProblem>,
}

impl SplitSounds {
    /// Finds the recordings below `folder`.
    pub fn below(
        folder: &Path,
        settings: &CorpusSettings,
        split: Split,
    ) -> Result<Self, Vec<CorpusProblem>> {
        let found = sounds_below(folder)?;
        let places: Vec<PathBuf> = found.iter().map(|path| place(folder, path)).collect();
        let problems = unknown_tracks(settings, &places);
        let sounds = found.into_iter().zip(&places);
        let of_split = sounds.filter(|(_, place)| split_of(place, settings) == Some(split));
        Ok(Self {
            sounds: of_split.map(|(path, _)| (stem(&path), path)).collect(),
            problems,
        })
    }
}

/// The path of a recording below the folder of its corpus, without its extension.
pub(super) fn place(folder: &Path, recording: &Path) -> PathBuf {
    let below = recording.strip_prefix(folder).unwrap_or(recording);
    below.with_file_name(stem(recording))
}

/// The entries of the settings that name no track.
pub(super) fn unknown_tracks(settings: &CorpusSettings, places: &[PathBuf]) -> Vec<CorpusProblem> {
    let listed = [&settings.valid, &settings.test, &settings.exclude];
    let unknown = listed
        .into_iter()
        .flatten()
        .filter(|entry| !places.iter().any(|place| names(entry, place)));
    unknown
        .map(|track| CorpusProblem::UnknownTrack {
            track: track.clone(),
        })
        .collect()
}

/// The split that the settings give a track; `None` if they leave it out.
pub(super) fn split_of(place: &Path, settings: &CorpusSettings) -> Option<Split> {
    let named = |entries: &[String]| entries.iter().any(|entry| names(entry, place));
    if named(&settings.exclude) {
        None
    } else if named(&settings.valid) {
        Some(Split::Valid)
    } else if named(&settings.test) {
        Some(Split::Test)
    } else {
        Some(Split::Train)
    }
}

/// Whether an entry names a track: by its name, its path, or a folder above it.
fn names(entry: &str, place: &Path) -> bool {
    let is_name = place.file_name().is_some_and(|name| name == entry);
    is_name || !entry.is_empty() && place.starts_with(entry)
}
