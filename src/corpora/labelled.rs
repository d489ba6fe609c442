//! Songs with labels beside them, in any label format: in the folder of the recording, or the only ones of its name.
//! The labels of `song.wav` are `song.lab`, or `song.wav.lab` where `song.mp3` has other ones.

use std::path::{Path, PathBuf};

use crate::corpora::files::{SplitSounds, below, sounds_below, stem};
use crate::corpora::item::{Files, Item, Items, gather, labels_of};
use crate::corpora::labels::{EXTENSIONS, LabelFiles, expected};
use crate::corpora::{CorpusProblem, CorpusSettings, Split, passed_over};

pub(super) fn items(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let SplitSounds { sounds, problems } = SplitSounds::below(root, settings, split)?;
    let files = LabelFiles::new(below(root, &EXTENSIONS)?);
    let names = sounds_below(root)?.into_iter().flat_map(|path| {
        let whole = path.file_name().unwrap_or_default().to_string_lossy();
        [stem(&path), whole.into_owned()]
    });
    let unused = files.without(&names.collect());
    passed_over::report(root, "labels without a recording", unused);
    let item = |(name, path): (String, PathBuf)| {
        let whole = path.file_name().unwrap_or_default().to_string_lossy();
        let mut labels = None;
        for folder in [path.parent(), None] {
            for name in [&*whole, &name] {
                if labels.is_none() {
                    labels = labels_of(&files, name, folder, &settings.labels)?;
                }
            }
        }
        match labels {
            Some(labels) => Ok(Item {
                name,
                files: Files::Mix(path),
                labels: labels.of_any_sound(),
            }),
            None => Err(CorpusProblem::NoLabels {
                track: path.display().to_string(),
                expected: expected(&name),
            }),
        }
    };
    gather(&settings.labels, problems, sounds.into_iter().map(item))
}
