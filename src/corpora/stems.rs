//! Songs as stems: `vocals/` and `instrumental/` with files of the same names, or a folder for each song with
//! `vocals.wav` and other stems, as in MUSDB18-HQ. The energy of the vocal stem decides where there is a voice, unless
//! labels lie beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::corpora::files::{SplitSounds, below, sounds_below, split_of, stem, unknown_tracks};
use crate::corpora::frame_labels::Labels;
use crate::corpora::item::{Files, Item, Items, gather, labels_of};
use crate::corpora::labels::{EXTENSIONS, LabelFiles};
use crate::corpora::recording::Recording;
use crate::corpora::{CorpusProblem, CorpusSettings, Split, passed_over};

/// A voice is present where its stem is louder than this, relative to its own loud parts: between the
/// reverberation of a pause (-40 dB and less) and a soft word (-25 dB).
const SOUNDING_DB: f32 = -32.0;
/// The level of the loud parts: this fraction of the frames is softer.
const LOUD_QUANTILE: f32 = 0.95;
/// Pauses shorter than this belong to the words around them: 10 frames, 143 ms.
const BRIDGED_FRAMES: usize = 10;

/// Names of files with the whole accompaniment of a song that has a folder of its own.
const ACCOMPANIMENTS: [&str; 6] = [
    "accompaniment",
    "instrumental",
    "instrumentals",
    "no_vocals",
    "backing",
    "karaoke",
];
/// Names of files with the finished mix of such a song, which is no stem.
const MIXTURES: [&str; 4] = ["mixture", "mix", "master", "linear_mixture"];
/// Names of the vocal stem.
const VOCALS: [&str; 2] = ["vocals", "vocal"];

pub(super) fn items(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let mut items = match root.join("vocals").is_dir() {
        true => two_folders(root, settings, split)?,
        false => song_folders(root, settings, split)?,
    };
    if settings.band_alone && split != Split::Train {
        let bands: Vec<Item> = items.iter().filter_map(band_alone).collect();
        items.extend(bands);
    }
    Ok(items)
}

/// Whether songs in folders of their own lie below `test`.
pub(super) fn has_test_folder(root: &Path) -> bool {
    !root.join("vocals").is_dir() && root.join(Split::Test.name()).is_dir()
}

/// Whether a folder is laid out as stems rather than as finished mixes.
pub(super) fn is_layout_of(root: &Path, sounds: &[PathBuf]) -> bool {
    let two_folders = ["vocals", "instrumental"].map(|stems| root.join(stems).is_dir());
    let is_vocal = |path: &&PathBuf| VOCALS.contains(&stem(path).to_lowercase().as_str());
    let has_accompaniment = |voice: &PathBuf| {
        let beside = sounds.iter().filter(|path| path.parent() == voice.parent());
        !accompaniment(beside, voice).is_empty()
    };
    two_folders == [true; 2] || sounds.iter().filter(is_vocal).any(has_accompaniment)
}

/// `vocals/NAME` and `instrumental/NAME`.
fn two_folders(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let vocals = root.join("vocals");
    let SplitSounds { sounds, problems } = SplitSounds::below(&vocals, settings, split)?;
    let accompaniments = sounds_below(&root.join("instrumental"))?;
    let voices: BTreeSet<String> = sounds_below(&vocals)?
        .iter()
        .map(|path| stem(path))
        .collect();
    let alone = accompaniments
        .iter()
        .filter(|path| !voices.contains(&stem(path)));
    passed_over::report(
        root,
        "accompaniments without a vocal stem",
        alone.map(PathBuf::as_path),
    );
    let labels = LabelFiles::new(below(&vocals, &EXTENSIONS)?);
    let item = |(name, voice): (String, PathBuf)| {
        let Some(accompaniment) = accompaniments.iter().find(|path| stem(path) == name) else {
            return Err(CorpusProblem::NoCounterpart {
                path: voice,
                expected: format!("instrumental/{name}"),
            });
        };
        Ok(Item {
            files: Files::Stems {
                voice,
                accompaniment: vec![accompaniment.clone()],
                voice_gain: voice_gain(settings),
            },
            labels: labels_of(&labels, &name, None, &settings.labels)?
                .unwrap_or(Labels::VoiceEnergy),
            name,
        })
    };
    gather(&settings.labels, problems, sounds.into_iter().map(item))
}

/// A folder for each song, as in MUSDB18-HQ: `vocals.wav` and either the accompaniment or its stems. Songs below `test`
/// are the test split; `valid` and `test` of the settings name further folders.
fn song_folders(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let sounds = sounds_below(root)?;
    let labels = LabelFiles::new(below(root, &EXTENSIONS)?);
    let voices = sounds
        .iter()
        .filter(|path| VOCALS.contains(&stem(path).to_lowercase().as_str()));
    let voices: Vec<&PathBuf> = voices.collect();
    let has_voice = |sound: &&PathBuf| voices.iter().any(|voice| voice.parent() == sound.parent());
    let others = sounds.iter().filter(|sound| !has_voice(sound));
    passed_over::report(
        root,
        "folders of sounds without a vocal stem",
        others.filter_map(|sound| sound.parent()),
    );
    let songs: Vec<(PathBuf, &PathBuf)> = voices
        .iter()
        .map(|voice| (song_folder(root, voice), *voice))
        .collect();
    let places: Vec<PathBuf> = songs.iter().map(|(place, _)| place.clone()).collect();
    let problems = unknown_tracks(settings, &places);
    let of_song = |place: &Path| match split_of(place, settings) {
        Some(Split::Train) if place.starts_with(Split::Test.name()) => Some(Split::Test),
        named => named,
    };
    let item = |(_, voice): (PathBuf, &PathBuf)| {
        let name = voice.parent().map(folder_name).unwrap_or_default();
        let beside = |path: &&PathBuf| path.parent() == voice.parent();
        let mut same = voices.iter().copied().filter(beside);
        if let Some(second) = same.find(|other| *other != voice) {
            return Err(CorpusProblem::SeveralVocals {
                first: voice.clone(),
                second: second.clone(),
            });
        }
        let accompaniment = accompaniment(sounds.iter().filter(beside), voice);
        if accompaniment.is_empty() {
            return Err(CorpusProblem::NoCounterpart {
                path: voice.clone(),
                expected: "accompaniment or other stems beside it".into(),
            });
        }
        let named = |name: &str| labels_of(&labels, name, voice.parent(), &settings.labels);
        let labels = match named(&stem(voice))? {
            Some(labels) => Some(labels),
            None => named(&name)?,
        };
        Ok(Item {
            name,
            files: Files::Stems {
                voice: voice.clone(),
                accompaniment,
                voice_gain: voice_gain(settings),
            },
            labels: labels.unwrap_or(Labels::VoiceEnergy),
        })
    };
    if songs.is_empty() {
        return Err(vec![CorpusProblem::NoStems { path: root.into() }]);
    }
    let of_split = songs
        .into_iter()
        .filter(|(place, _)| of_song(place) == Some(split));
    gather(&settings.labels, problems, of_split.map(item))
}

/// The folder of a song below that of the corpus.
pub(super) fn song_folder(root: &Path, voice: &Path) -> PathBuf {
    let folder = voice.parent().unwrap_or(root);
    folder.strip_prefix(root).unwrap_or(folder).into()
}

fn folder_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The accompaniment beside a vocal stem: one file with all of it, or the stems that are neither voice nor mix.
fn accompaniment<'a>(beside: impl Iterator<Item = &'a PathBuf>, voice: &Path) -> Vec<PathBuf> {
    let named = |path: &Path, names: &[&str]| names.contains(&stem(path).to_lowercase().as_str());
    let others = beside.filter(|path| path.as_path() != voice && !named(path, &MIXTURES));
    let others: Vec<PathBuf> = others.cloned().collect();
    match others.iter().find(|path| named(path, &ACCOMPANIMENTS)) {
        Some(whole) => vec![whole.clone()],
        None => others,
    }
}

/// The factor for the amplitude of a voice.
fn voice_gain(settings: &CorpusSettings) -> f32 {
    10f32.powf(settings.voice_db / 20.0)
}

/// The accompaniment of a song as a track without a voice.
fn band_alone(song: &Item) -> Option<Item> {
    let Files::Stems { accompaniment, .. } = &song.files else {
        return None;
    };
    Some(Item {
        name: format!("{} (band alone)", song.name),
        files: Files::Band {
            accompaniment: accompaniment.clone(),
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
