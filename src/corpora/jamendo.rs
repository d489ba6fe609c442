//! The Jamendo corpus (Ramona, Richard & David, ICASSP 2008): 93 songs in the folders `train`, `valid` and
//! `test` (61, 16 and 16), and `NAME.lab` for each of them, usually in `jamendo_lab`.

use std::path::{Path, PathBuf};

use crate::corpora::error::all_or_errors;
use crate::corpora::files::{below, sounds_below, stem};
use crate::corpora::item::{Files, Item, Items};
use crate::corpora::labels::{Labels, lab, read_with};
use crate::corpora::{CorpusProblem, Split};

pub(super) fn items(root: &Path, split: Split) -> Items {
    let labels = below(root, &["lab"])?;
    let mut problems = Vec::new();
    // All splits: a song that is missing from another split damages the corpus too.
    let mut songs: Vec<(Split, PathBuf)> = Vec::new();
    for split in Split::ALL {
        match sounds_below(&root.join(split.name())) {
            Ok(sounds) => songs.extend(sounds.into_iter().map(|sound| (split, sound))),
            Err(more) => problems.extend(more),
        }
    }
    for path in &labels {
        if !songs.iter().any(|(_, song)| stem(song) == stem(path)) {
            problems.push(CorpusProblem::NoSong { path: path.clone() });
        }
    }
    let item = |path: PathBuf| {
        let name = stem(&path);
        let Some(labels) = labels.iter().find(|label| stem(label) == name) else {
            return Err(CorpusProblem::NoLabels {
                expected: format!("labels ({name}.lab)"),
                track: name,
            });
        };
        Ok(Item {
            name,
            files: Files::Mix(path),
            labels: read_with(labels, |text| lab::parse(text)).map(Labels::Spans)?,
        })
    };
    let of_split = songs.into_iter().filter(|(of, _)| *of == split);
    all_or_errors(problems, of_split.map(|(_, path)| item(path)))
}
