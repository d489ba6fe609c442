//! MIR-1K (Hsu & Jang 2010): 1000 karaoke clips with the accompaniment on the left channel, the voice on
//! the right, and a `.vocal` file each: a 0 or 1 a line, every 20 ms, for 40 ms of sound.
//!
//! The split is that of Gui et al. (2022): singers a to g for training, h to k for validation, the rest
//! for testing. Mono clips are the mean of both channels, so they are finished mixes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::audio::Decoder;
use crate::corpora::files::{below, sounds_below, stem};
use crate::corpora::item::{Files, Item, Items, gather, labels_of};
use crate::corpora::labels::{LabelFiles, LabelSettings};
use crate::corpora::{CorpusProblem, SoundError, Split, passed_over};

const ACCOMPANIMENT_CHANNEL: usize = 0;
const VOICE_CHANNEL: usize = 1;

pub(super) fn items(root: &Path, settings: &LabelSettings, split: Split) -> Items {
    let labels = LabelFiles::new(below(root, &["vocal"])?);
    let item = |path: PathBuf| {
        let name = stem(&path);
        let Some(labels) = labels_of(&labels, &name, None, settings)? else {
            return Err(CorpusProblem::NoLabels {
                track: path.display().to_string(),
                expected: ".vocal file".into(),
            });
        };
        Ok(Item {
            name,
            labels,
            files: files(path)?,
        })
    };
    let sounds = sounds_below(root)?;
    let names: BTreeSet<String> = sounds.iter().map(|path| stem(path)).collect();
    passed_over::report(root, "labels without a recording", labels.without(&names));
    let others = sounds.iter().filter(|path| split_of(&stem(path)).is_none());
    passed_over::report(
        root,
        "clips whose names do not begin with a singer's letter",
        others.map(PathBuf::as_path),
    );
    let of_split = sounds.into_iter();
    let of_split = of_split.filter(|path| split_of(&stem(path)) == Some(split));
    gather(settings, Vec::new(), of_split.map(item))
}

/// The split of a clip by the first letter of its name, which is its singer's.
fn split_of(clip: &str) -> Option<Split> {
    match clip.chars().next()?.to_ascii_lowercase() {
        'a'..='g' => Some(Split::Train),
        'h'..='k' => Some(Split::Valid),
        'l'..='z' => Some(Split::Test),
        _ => None,
    }
}

fn files(path: PathBuf) -> Result<Files, CorpusProblem> {
    let decoder = Decoder::open(&path).map_err(SoundError::from)?;
    match decoder.format().channels {
        1 => Ok(Files::Mix(path)),
        2 => Ok(Files::StereoStems {
            path,
            voice: VOICE_CHANNEL,
            accompaniment: ACCOMPANIMENT_CHANNEL,
        }),
        channels => Err(CorpusProblem::ClipChannels { path, channels }),
    }
}
