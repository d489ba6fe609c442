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
        let named: Vec<(String, PathBuf)> = sounds_below(folder)?
            .into_iter()
            .map(|path| (stem(&path), path))
            .collect();
        let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
        let problems = unknown_tracks(settings, &names);
        let of_split = named
            .into_iter()
            .filter(|(name, _)| split_of(name, settings) == Some(split));
        Ok(Self {
            sounds: of_split.collect(),
            problems,
        })
    }
}

/// The tracks that the settings name and that do not exist.
pub(super) fn unknown_tracks(settings: &CorpusSettings, names: &[&str]) -> Vec<CorpusProblem> {
    let listed = [&settings.valid, &settings.test, &settings.exclude];
    let unknown = listed
        .into_iter()
        .flatten()
        .filter(|listed| !names.contains(&listed.as_str()));
    unknown
        .map(|track| CorpusProblem::UnknownTrack {
            track: track.clone(),
        })
        .collect()
}

/// The split that the settings give a track; `None` if they leave it out.
pub(super) fn split_of(name: &str, settings: &CorpusSettings) -> Option<Split> {
    let named = |names: &[String]| names.iter().any(|n| n == name);
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
