//! Finding files below a folder, and the recordings of a corpus among them.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::corpora::{CorpusProblem, CorpusSettings, Split};

/// Extensions of sound files. Formats that the decoder cannot read are included, so that such files are
/// reported instead of ignored.
const SOUND_EXTENSIONS: [&str; 12] = [
    "wav", "flac", "ogg", "oga", "mp3", "m4a", "aac", "aif", "aiff", "opus", "wma", "webm",
];

/// A file or folder that a walk cannot read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct WalkError {
    /// The unreadable file or folder.
    pub path: PathBuf,
    /// The system's reason.
    pub reason: std::io::Error,
}

/// Whether a walk enters folders behind symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderLinks {
    /// Enter them, but never a folder that contains the link itself.
    Follow,
    /// Ignore them.
    Ignore,
}

/// Every file below a folder, sorted by path; links to files are files.
///
/// # Errors
/// Every folder that cannot be read.
pub fn walk(folder: &Path, links: FolderLinks) -> Result<Vec<PathBuf>, Vec<WalkError>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for entry in WalkDir::new(folder).follow_links(links == FolderLinks::Follow) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) if entry.path_is_symlink() && entry.path().is_dir() => {}
            Ok(entry) => found.push(entry.into_path()),
            // A circle of links: its files are found where it begins.
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_path_buf();
                match error.into_io_error() {
                    // A link to nowhere is reported when it is opened.
                    Some(_) if path.is_symlink() => found.push(path),
                    Some(reason) => errors.push(WalkError { path, reason }),
                    None => {}
                }
            }
        }
    }
    found.sort();
    match errors.is_empty() {
        true => Ok(found),
        false => Err(errors),
    }
}

/// Every file below a folder with one of `extensions` (lower case, without a dot), sorted by path.
///
/// # Errors
/// Every folder that cannot be read.
pub(crate) fn below(
    folder: &Path,
    extensions: &[&str],
) -> Result<Vec<PathBuf>, Vec<CorpusProblem>> {
    let unreadable = |WalkError { path, reason }| CorpusProblem::Unreadable { path, reason };
    let mut found = walk(folder, FolderLinks::Follow)
        .map_err(|errors| errors.into_iter().map(unreadable).collect::<Vec<_>>())?;
    found.retain(|path| has_extension(path, extensions));
    Ok(found)
}

/// Every sound file below a folder, sorted by path.
///
/// # Errors
/// If there is none, or a folder cannot be read.
pub(crate) fn sounds_below(folder: &Path) -> Result<Vec<PathBuf>, Vec<CorpusProblem>> {
    let found = below(folder, &SOUND_EXTENSIONS)?;
    if found.is_empty() {
        let path = folder.into();
        return Err(vec![CorpusProblem::NoSounds { path }]);
    }
    Ok(found)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .map(str::to_ascii_lowercase);
    extension.is_some_and(|e| extensions.contains(&e.as_str()))
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
    /// Names and paths, sorted by path.
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
        let listed = [&settings.valid, &settings.test, &settings.exclude];
        let unknown = listed
            .into_iter()
            .flatten()
            .filter(|listed| !named.iter().any(|(name, _)| name == *listed));
        let problems = unknown
            .map(|track| CorpusProblem::UnknownTrack {
                track: track.clone(),
            })
            .collect();
        let of_split = named
            .into_iter()
            .filter(|(name, _)| split_of(name, settings) == Some(split));
        Ok(Self {
            sounds: of_split.collect(),
            problems,
        })
    }
}

/// The split that the settings give a track; `None` if they leave it out.
fn split_of(name: &str, settings: &CorpusSettings) -> Option<Split> {
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
