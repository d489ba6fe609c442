//! Corpora whose folder is their label: voices alone, lead instruments alone, speech, and music without a
//! voice.

use std::path::{Path, PathBuf};

use crate::corpora::error::all_or_errors;
use crate::corpora::files::{SplitSounds, sounds_below, stem};
use crate::corpora::frame_labels::Labels;
use crate::corpora::item::{Files, Item, Items};
use crate::corpora::{CorpusSettings, Split};

/// A folder of solo voices, which are voice wherever they sound.
pub(super) fn solo(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    alone(root, settings, split, Files::Solo, || Labels::VoiceEnergy)
}

/// A folder of lead instruments, each alone.
pub(super) fn lead_instruments(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    alone(root, settings, split, Files::Solo, || Labels::NoVoice)
}

/// A folder of speakers, who do not sing: alone, or over other music as a lead is.
pub(super) fn speech(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let files = match settings.over_music {
        true => Files::Solo,
        false => Files::Speech,
    };
    alone(root, settings, split, files, || Labels::SpeechEnergy)
}

fn alone(
    root: &Path,
    settings: &CorpusSettings,
    split: Split,
    files: impl Fn(PathBuf) -> Files,
    labels: impl Fn() -> Labels,
) -> Items {
    let SplitSounds { sounds, problems } = SplitSounds::below(root, settings, split)?;
    let item = |(name, path)| {
        Ok(Item {
            name,
            files: files(path),
            labels: labels(),
        })
    };
    all_or_errors(problems, sounds.into_iter().map(item))
}

/// Music without a voice, in a folder for each split.
pub(super) fn instrumental(root: &Path, split: Split) -> Items {
    let item = |path: PathBuf| Item {
        name: stem(&path),
        files: Files::Mix(path),
        labels: Labels::NoVoice,
    };
    let sounds = sounds_below(&root.join(split.name()))?;
    Ok(sounds.into_iter().map(item).collect())
}
