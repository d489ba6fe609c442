//! The Jamendo corpus (Ramona, Richard & David, ICASSP 2008): 93 songs, and `NAME.lab` for each of them, usually in
//! `jamendo_lab`. Songs in the folders `train`, `valid` and `test` are split by them; without these folders the published
//! lists split them (61, 16 and 16).

use std::path::{Path, PathBuf};

use crate::corpora::files::{below, sounds_below, stem};
use crate::corpora::item::{Files, Item, Items, gather, labels_of};
use crate::corpora::labels::{LabelFiles, LabelSettings};
use crate::corpora::{CorpusProblem, Split};

/// The published lists: names of files without endings, one a line.
const LISTS: [(Split, &str); 3] = [
    (Split::Train, include_str!("jamendo/train.txt")),
    (Split::Valid, include_str!("jamendo/valid.txt")),
    (Split::Test, include_str!("jamendo/test.txt")),
];

pub(super) fn items(root: &Path, settings: &LabelSettings, split: Split) -> Items {
    let files = below(root, &["lab"])?;
    let mut problems = Vec::new();
    // All splits: a song that is missing from another split damages the corpus too.
    let songs = match Split::ALL
        .iter()
        .any(|split| root.join(split.name()).is_dir())
    {
        true => in_folders(root, &mut problems),
        false => in_lists(root, &mut problems)?,
    };
    for path in &files {
        if !songs.iter().any(|(_, song)| stem(song) == stem(path)) {
            problems.push(CorpusProblem::NoSong { path: path.clone() });
        }
    }
    let files = LabelFiles::new(files);
    let item = |path: PathBuf| {
        let name = stem(&path);
        let Some(labels) = labels_of(&files, &name, None, settings)? else {
            return Err(CorpusProblem::NoLabels {
                expected: format!("labels ({name}.lab)"),
                track: path.display().to_string(),
            });
        };
        Ok(Item {
            name,
            files: Files::Mix(path),
            labels,
        })
    };
    let of_split = songs.into_iter().filter(|(of, _)| *of == split);
    gather(settings, problems, of_split.map(|(_, path)| item(path)))
}

fn in_folders(root: &Path, problems: &mut Vec<CorpusProblem>) -> Vec<(Split, PathBuf)> {
    let mut songs = Vec::new();
    for split in Split::ALL {
        match sounds_below(&root.join(split.name())) {
            Ok(sounds) => songs.extend(sounds.into_iter().map(|sound| (split, sound))),
            Err(more) => problems.extend(more),
        }
    }
    songs
}

fn in_lists(
    root: &Path,
    problems: &mut Vec<CorpusProblem>,
) -> Result<Vec<(Split, PathBuf)>, Vec<CorpusProblem>> {
    let mut songs = Vec::new();
    for path in sounds_below(root)? {
        match listed(&stem(&path)) {
            Some(split) => songs.push((split, path)),
            None => problems.push(CorpusProblem::NotListed { path }),
        }
    }
    Ok(songs)
}

/// The published split of a song.
fn listed(name: &str) -> Option<Split> {
    let mut lists = LISTS.iter();
    let list = lists.find(|(_, names)| names.lines().any(|own| own.trim() == name));
    list.map(|(split, _)| *split)
}
