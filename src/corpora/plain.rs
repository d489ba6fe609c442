//! Folders whose place says all: voices alone, lead instruments alone, speech, and music without a voice.

use std::path::{Path, PathBuf};

use crate::corpora::CorpusSettings;
use crate::corpora::Split;
use crate::corpora::files::{sounds_below, split_of, stem, unknown_names};
use crate::corpora::load::{Files, Item, Labels};

/// A folder of solo voices: what sounds is voice.
pub fn solo(
    root: &Path,
    settings: &CorpusSettings,
    split: Split,
) -> Result<Vec<Item>, Vec<String>> {
    alone(root, settings, split, Files::Solo, || Labels::VoiceEnergy)
}

/// A folder of instruments that take a voice's part, each alone.
pub fn lead_instruments(
    root: &Path,
    settings: &CorpusSettings,
    split: Split,
) -> Result<Vec<Item>, Vec<String>> {
    alone(root, settings, split, Files::Solo, || Labels::NoVoice)
}

/// A folder of speakers, who do not sing.
pub fn speech(
    root: &Path,
    settings: &CorpusSettings,
    split: Split,
) -> Result<Vec<Item>, Vec<String>> {
    alone(root, settings, split, Files::Speech, || Labels::NoVoice)
}

fn alone(
    root: &Path,
    settings: &CorpusSettings,
    split: Split,
    sound: impl Fn(PathBuf) -> Files,
    labels: impl Fn() -> Labels,
) -> Result<Vec<Item>, Vec<String>> {
    let files = sounds_below(root)?;
    let unknown = unknown_names(settings, &files);
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let item = |path: PathBuf| {
        let name = stem(&path);
        (split_of(&name, settings) == Some(split)).then_some(Item {
            name,
            sound: sound(path),
            labels: labels(),
        })
    };
    Ok(files.into_iter().filter_map(item).collect())
}

/// A folder of music without a voice, with a folder a split.
pub fn instrumental(root: &Path, split: Split) -> Result<Vec<Item>, Vec<String>> {
    let item = |path: PathBuf| Item {
        name: stem(&path),
        sound: Files::Mix(path),
        labels: Labels::NoVoice,
    };
    Ok(sounds_below(&root.join(split.name()))?
        .into_iter()
        .map(item)
        .collect())
}
