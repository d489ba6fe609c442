//! MIR-1K (Hsu & Jang 2010): 1000 karaoke clips, accompaniment on the left channel and voice on the
//! right, with a `.vocal` file each: a 0 or 1 a line, every 20 ms, for 40 ms of sound.
//!
//! Split as by Gui et al.: singers a to g for training, h to k for validation, the rest for
//! testing. Clips that are mono hold the mean of both channels; they are finished mixes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::audio::Decoder;
use crate::corpora::Split;
use crate::corpora::files::{below, sounds_below, stem, unless_faulty};
use crate::corpora::load::{Files, Item, Labels};

const ACCOMPANIMENT_CHANNEL: usize = 0;
const VOICE_CHANNEL: usize = 1;
const LABEL_HOP_S: f64 = 0.020;
/// Middle of the first label's 40 ms.
const FIRST_LABEL_S: f64 = 0.020;

/// The split of a clip by the first letter of its name, which is its singer's.
pub fn split_of(clip: &str) -> Option<Split> {
    match clip.chars().next()?.to_ascii_lowercase() {
        'a'..='g' => Some(Split::Train),
        'h'..='k' => Some(Split::Valid),
        'l'..='z' => Some(Split::Test),
        _ => None,
    }
}

pub fn items(root: &Path, split: Split) -> Result<Vec<Item>, Vec<String>> {
    let labels: HashMap<String, PathBuf> = below(root, &["vocal"])?
        .into_iter()
        .map(|path| (stem(&path), path))
        .collect();
    let mut items = Vec::new();
    let mut faults = Vec::new();
    for path in sounds_below(root)? {
        let name = stem(&path);
        if split_of(&name) != Some(split) {
            continue;
        }
        let read = match labels.get(&name) {
            None => Err(format!("{name} has no .vocal file")),
            Some(labels) => read_labels(labels).and_then(|labels| Ok((files(path)?, labels))),
        };
        match read {
            Ok((sound, labels)) => items.push(Item {
                name,
                sound,
                labels,
            }),
            Err(fault) => faults.push(fault),
        }
    }
    unless_faulty(items, faults)
}

fn files(path: PathBuf) -> Result<Files, String> {
    match Decoder::open(&path)
        .map_err(|e| e.to_string())?
        .format()
        .channels
    {
        1 => Ok(Files::Mix(path)),
        2 => Ok(Files::StereoStems {
            path,
            voice: VOICE_CHANNEL,
            accompaniment: ACCOMPANIMENT_CHANNEL,
        }),
        n => Err(format!(
            "{} has {n} channels; a clip of MIR-1K has 1 or 2",
            path.display()
        )),
    }
}

fn read_labels(path: &Path) -> Result<Labels, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let voice = text
        .split_whitespace()
        .map(|word| match word {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(format!("{}: `{word}` is neither 0 nor 1", path.display())),
        })
        .collect::<Result<Vec<bool>, String>>()?;
    if voice.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(Labels::Grid {
        first_s: FIRST_LABEL_S,
        hop_s: LABEL_HOP_S,
        voice,
    })
}
