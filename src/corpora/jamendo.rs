//! The Jamendo corpus of Ramona, Richard & David (ICASSP 2008): 93 songs in the folders `train`, `valid`
//! and `test` (61, 16 and 16), and `NAME.lab` for each of them, usually in `jamendo_lab`, of lines
//! `START END sing|nosing`.

use std::path::Path;

use crate::corpora::Split;
use crate::corpora::files::{below, sounds_below, stem, unless_faulty};
use crate::corpora::labelled::parse_lab;
use crate::corpora::load::{Files, Item, Labels};

pub fn items(root: &Path, split: Split) -> Result<Vec<Item>, Vec<String>> {
    let labels = below(root, &["lab"])?;
    let mut faults = Vec::new();
    // Of all splits: a lost song of another split is a damaged corpus too.
    let mut known = Vec::new();
    for split in [Split::Train, Split::Valid, Split::Test] {
        match sounds_below(&root.join(split.name())) {
            Ok(sounds) => known.extend(sounds.into_iter().map(|sound| (split, sound))),
            Err(more) => faults.extend(more),
        }
    }
    for label in &labels {
        if !known.iter().any(|(_, sound)| stem(sound) == stem(label)) {
            faults.push(format!("{} has no song", label.display()));
        }
    }
    let mut items = Vec::new();
    for (_, path) in known.into_iter().filter(|(of, _)| *of == split) {
        let name = stem(&path);
        let read = match labels.iter().find(|label| stem(label) == name) {
            None => Err(format!("{name} has no labels ({name}.lab)")),
            Some(label) => std::fs::read_to_string(label)
                .map_err(|e| e.to_string())
                .and_then(|text| parse_lab(&text))
                .map_err(|e| format!("{}: {e}", label.display())),
        };
        match read {
            Ok(spans) => items.push(Item {
                name,
                sound: Files::Mix(path),
                labels: Labels::Partial(spans),
            }),
            Err(fault) => faults.push(fault),
        }
    }
    unless_faulty(items, faults)
}
