//! Names of label files.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// The names of the labels of these sounds of one folder, without the labels' ending: `song` for `song.wav`. Sounds
/// whose labels would have one name keep their own endings: `song.wav` and `song.mp3`.
pub fn label_names(sounds: &[OsString]) -> Vec<OsString> {
    let mut stems: HashMap<&OsStr, u32> = HashMap::new();
    for sound in sounds {
        *stems.entry(stem(sound)).or_default() += 1;
    }
    let whole: HashSet<&OsStr> = sounds.iter().map(OsString::as_os_str).collect();
    let name = |sound: &OsString| {
        let stem = stem(sound);
        // `song.wav.flac` beside `song.wav` and `song.mp3`.
        let taken = stems.get(stem) > Some(&1) || (whole.contains(stem) && stem != sound);
        match taken {
            true => sound.clone(),
            false => stem.into(),
        }
    };
    sounds.iter().map(name).collect()
}

fn stem(name: &OsStr) -> &OsStr {
    Path::new(name).file_stem().unwrap_or(name)
}

/// The path from the root, without `.` and `..` where the names alone tell.
pub fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // Above the root is the root.
            Component::ParentDir => _ = clean.pop(),
            component => clean.push(component),
        }
    }
    clean
}

/// The folder that two paths share.
pub fn shared(a: &Path, b: &Path) -> PathBuf {
    let pairs = a.components().zip(b.components());
    pairs
        .take_while(|(a, b)| a == b)
        .map(|(component, _)| component)
        .collect()
}
