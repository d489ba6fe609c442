//! Songs with labels beside them: `NAME.lab`, Audacity's `NAME.txt` or `NAME.csv` for each recording, in
//! its own folder or as the only file of that name.

use std::path::{Path, PathBuf};

use crate::corpora::error::all_or_errors;
use crate::corpora::files::{SplitSounds, below, stem};
use crate::corpora::item::{Files, Item, Items};
use crate::corpora::labels::{EXTENSIONS, Labels, named};
use crate::corpora::{CorpusProblem, CorpusSettings, Split};

pub(super) fn items(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let SplitSounds { sounds, problems } = SplitSounds::below(root, settings, split)?;
    let labels = below(root, &EXTENSIONS)?;
    let item = |(name, path): (String, PathBuf)| match beside(&labels, &path)? {
        Some(labels) => Ok(Item {
            name,
            files: Files::Mix(path),
            labels,
        }),
        None => Err(CorpusProblem::NoLabels {
            expected: format!("labels ({name}.lab, .txt or .csv)"),
            track: name,
        }),
    };
    all_or_errors(problems, sounds.into_iter().map(item))
}

/// The labels in the folder of a recording, or the only ones of its name.
fn beside(labels: &[PathBuf], sound: &Path) -> Result<Option<Labels>, CorpusProblem> {
    let name = stem(sound);
    let in_folder = labels.iter().filter(|l| l.parent() == sound.parent());
    let in_folder: Vec<PathBuf> = in_folder.cloned().collect();
    match named(&in_folder, &name)? {
        Some(labels) => Ok(Some(labels)),
        None => named(labels, &name),
    }
}
