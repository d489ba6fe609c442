//! Songs as two stems, `vocals/` and `instrumental/`, with files of the same names.
//! The vocal stem's energy says when there is a voice, unless labels lie beside it.

use std::path::Path;

use crate::corpora::CorpusSettings;
use crate::corpora::files::{below, sounds_below, split_of, stem, unknown_names, unless_faulty};
use crate::corpora::load::{Files, Item, Labels};
use crate::corpora::recording::Recording;
use crate::corpora::{Split, labelled};

/// A voice sounds where its stem is louder than this, below its own loud parts:
/// between the reverb of a pause (-40 dB and less) and a soft word (-25 dB).
const SOUNDING_DB: f32 = -32.0;
/// The loud parts: this fraction of the frames is softer.
const LOUD_QUANTILE: f32 = 0.95;
/// Pauses shorter than this belong to the word around them: 10 frames, 143 ms.
const BRIDGED_FRAMES: usize = 10;

pub fn items(
    root: &Path,
    settings: &CorpusSettings,
    split: Split,
) -> Result<Vec<Item>, Vec<String>> {
    let voices = sounds_below(&root.join("vocals"))?;
    let accompaniments = sounds_below(&root.join("instrumental"))?;
    let labels = below(&root.join("vocals"), &labelled::EXTENSIONS)?;
    let mut faults = unknown_names(settings, &voices);
    let mut items = Vec::new();
    for voice in voices {
        let name = stem(&voice);
        if split_of(&name, settings) != Some(split) {
            continue;
        }
        let labels = labelled::named(&labels, &name);
        match accompaniments.iter().find(|path| stem(path) == name) {
            Some(accompaniment) => match labels {
                Ok(labels) => items.push(Item {
                    name,
                    sound: Files::Stems {
                        voice,
                        accompaniment: accompaniment.clone(),
                    },
                    labels: labels.unwrap_or(Labels::VoiceEnergy),
                }),
                Err(fault) => faults.push(fault),
            },
            None => faults.push(format!("vocals/{name} has no counterpart in instrumental/")),
        }
    }
    unless_faulty(items, faults)
}

/// Where a lone voice sounds, by its energy.
pub fn sounding(voice: &Recording, frames: usize) -> Vec<bool> {
    let power: Vec<f32> = (0..frames).map(|f| voice.power(f..f + 1)).collect();
    let mut sorted = power.clone();
    sorted.sort_by(f32::total_cmp);
    let loud = sorted
        .get((frames as f32 * LOUD_QUANTILE) as usize)
        .copied()
        .unwrap_or(0.0);
    let floor = loud * 10f32.powf(SOUNDING_DB / 10.0);
    let mut sounding: Vec<bool> = power.iter().map(|&p| p > floor && p > 0.0).collect();
    let mut last_voiced = None;
    for frame in 0..frames {
        if sounding[frame] {
            if let Some(last) = last_voiced
                && frame - last <= BRIDGED_FRAMES
            {
                sounding[last..frame].fill(true);
            }
            last_voiced = Some(frame);
        }
    }
    sounding
}
