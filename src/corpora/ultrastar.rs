//! Songs with UltraStar note timings: `NAME.txt` beside `NAME.ogg` (or another sound file).

use std::path::{Path, PathBuf};

use crate::corpora::files::{SplitSounds, below};
use crate::corpora::frame_labels::Labels;
use crate::corpora::item::{Files, Item, Items, gather};
use crate::corpora::labels::{self, LabelFiles, ultrastar};
use crate::corpora::{CorpusProblem, CorpusSettings, Split};

pub(super) fn items(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let SplitSounds { sounds, problems } = SplitSounds::below(root, settings, split)?;
    let notes = LabelFiles::new(below(root, &["txt"])?);
    let item = |(name, path): (String, PathBuf)| {
        let mut found = notes.of(&name, path.parent());
        if found.is_empty() {
            found = notes.of(&name, None);
        }
        let notes = match found[..] {
            [only] => only,
            [] => {
                return Err(CorpusProblem::NoLabels {
                    expected: format!("note timings ({name}.txt)"),
                    track: path.display().to_string(),
                });
            }
            ref several => return Err(CorpusProblem::several_labels(several)),
        };
        let text = labels::read_text(notes);
        let parsed = text.and_then(|text| ultrastar::parse(&text, &settings.labels));
        let parsed = parsed.map_err(|reason| CorpusProblem::Labels {
            path: notes.into(),
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
