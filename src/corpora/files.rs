//! Finding the files of a corpus.

use std::path::{Path, PathBuf};

use crate::corpora::CorpusSettings;
use crate::corpora::Split;

/// Endings of sound files. Those the decoder cannot read are here too, so that they are named
/// and not passed over.
const SOUND_EXTENSIONS: [&str; 12] = [
    "wav", "flac", "ogg", "oga", "mp3", "m4a", "aac", "aif", "aiff", "opus", "wma", "webm",
];

/// Every file below a folder whose name ends in one of `extensions`, in the order of the names.
pub fn below(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Vec<String>> {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) => {
                faults.push(format!("{}: {e}", folder.display()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if has_extension(&path, extensions) {
                found.push(path);
            }
        }
    }
    found.sort();
    if faults.is_empty() {
        Ok(found)
    } else {
        Err(faults)
    }
}

/// Every sound file below a folder; none at all is a fault.
pub fn sounds_below(folder: &Path) -> Result<Vec<PathBuf>, Vec<String>> {
    let found = below(folder, &SOUND_EXTENSIONS)?;
    if found.is_empty() {
        return Err(vec![format!("{} holds no sound files", folder.display())]);
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
pub fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The split of a track whose corpus has none of its own; `None` for one that is left out.
pub fn split_of(name: &str, settings: &CorpusSettings) -> Option<Split> {
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

/// Names in the settings that no file bears: a mistyped one would leak a track into training.
pub fn unknown_names(settings: &CorpusSettings, files: &[PathBuf]) -> Vec<String> {
    let names: Vec<String> = files.iter().map(|f| stem(f)).collect();
    let listed = settings
        .valid
        .iter()
        .chain(&settings.test)
        .chain(&settings.exclude);
    listed
        .filter(|name| !names.contains(name))
        .map(|name| format!("the experiment names a track `{name}` that is not there"))
        .collect()
}

/// The items, or all that is wrong with their corpus.
pub fn unless_faulty<T>(items: T, faults: Vec<String>) -> Result<T, Vec<String>> {
    if faults.is_empty() {
        Ok(items)
    } else {
        Err(faults)
    }
}
