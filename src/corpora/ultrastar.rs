//! Songs with UltraStar note timings: `NAME.txt` beside `NAME.ogg` (or another sound file).

use std::path::{Path, PathBuf};

use crate::corpora::files::{SplitSounds, below, stem};
use crate::corpora::frame_labels::Labels;
use crate::corpora::item::{Files, Item, Items, gather};
use crate::corpora::labels::{self, ultrastar};
use crate::corpora::{CorpusProblem, CorpusSettings, Split};

pub(super) fn items(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let SplitSounds { sounds, problems } = SplitSounds::below(root, settings, split)?;
    let notes = below(root, &["txt"])?;
    let item = |(name, path): (String, PathBuf)| {
        let mut notes = notes.iter().filter(|notes| stem(notes) == name);
        let in_folder = notes.clone().find(|notes| notes.parent() == path.parent());
        let Some(notes) = in_folder.or_else(|| notes.next()) else {
            return Err(CorpusProblem::NoLabels {
                expected: format!("note timings ({name}.txt)"),
                track: path.display().to_string(),
            });
        };
        let text = labels::read_text(notes);
        let parsed = text.and_then(|text| ultrastar::parse(&text, &settings.labels));
        let parsed = parsed.map_err(|reason| CorpusProblem::Labels {
            path: notes.clone(),
            reason,
        })?;
        Ok(Item {
            name,
            files: Files::Mix(path),
            labels: Labels::Song(parsed),
        })
    };
    gather(&settings.labels, problems, sounds.into_iter().map(item))
}
