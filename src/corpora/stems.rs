//! Songs as two stems, `vocals/` and `instrumental/`, with files of the same names. The energy of the vocal
//! stem decides where there is a voice, unless labels lie beside it.

use std::path::{Path, PathBuf};

use crate::corpora::error::all_or_errors;
use crate::corpora::files::{SplitSounds, below, sounds_below, stem};
use crate::corpora::item::{Files, Item, Items};
use crate::corpora::labels::{EXTENSIONS, Labels, named};
use crate::corpora::recording::Recording;
use crate::corpora::{CorpusProblem, CorpusSettings, Split};

/// A voice is present where its stem is louder than this, relative to its own loud parts: between the
/// reverberation of a pause (-40 dB and less) and a soft word (-25 dB).
const SOUNDING_DB: f32 = -32.0;
/// The level of the loud parts: this fraction of the frames is softer.
const LOUD_QUANTILE: f32 = 0.95;
/// Pauses shorter than this belong to the words around them: 10 frames, 143 ms.
const BRIDGED_FRAMES: usize = 10;

pub(super) fn items(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let vocals = root.join("vocals");
    let SplitSounds { sounds, problems } = SplitSounds::below(&vocals, settings, split)?;
    let accompaniments = sounds_below(&root.join("instrumental"))?;
    let labels = below(&vocals, &EXTENSIONS)?;
    let item = |(name, voice): (String, PathBuf)| {
        let Some(accompaniment) = accompaniments.iter().find(|path| stem(path) == name) else {
            return Err(CorpusProblem::NoCounterpart { track: name });
        };
        Ok(Item {
            files: Files::Stems {
                voice,
                accompaniment: accompaniment.clone(),
                voice_gain: 10f32.powf(settings.voice_db / 20.0),
            },
            labels: named(&labels, &name)?.unwrap_or(Labels::VoiceEnergy),
            name,
        })
    };
    let mut items = all_or_errors(problems, sounds.into_iter().map(item))?;
    if settings.band_alone && split != Split::Train {
        let bands: Vec<Item> = items.iter().filter_map(band_alone).collect();
        items.extend(bands);
    }
    Ok(items)
}

/// The accompaniment of a song as a track without a voice.
fn band_alone(song: &Item) -> Option<Item> {
    let Files::Stems { accompaniment, .. } = &song.files else {
        return None;
    };
    Some(Item {
        name: format!("{} (band alone)", song.name),
        files: Files::Band {
            path: accompaniment.clone(),
            song: song.name.clone(),
        },
        labels: Labels::NoVoice,
    })
}

/// Whether a voice without accompaniment sounds in each frame, by its energy in the 10 ms in the frame's middle. (A whole
/// frame reaches 23 ms further either way, and would put ends late and beginnings early.)
pub(super) fn sounding(voice: &Recording, frames: usize) -> Vec<bool> {
    let power: Vec<f32> = (0..frames).map(|f| voice.middle_power(f)).collect();
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
