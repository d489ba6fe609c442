//! A recording of a corpus before it is decoded: its files and its labels.

use std::path::{Path, PathBuf};

use crate::corpora::labels::Labels;
use crate::corpora::sound_file::Channels;
use crate::corpora::{CorpusProblem, FeatureCache, Sound, Track};

/// All recordings of a split, or all problems.
pub(super) type Items = Result<Vec<Item>, Vec<CorpusProblem>>;

/// A recording and its labels.
pub(super) struct Item {
    pub name: String,
    pub files: Files,
    pub labels: Labels,
}

/// The files of a recording; the kinds are those of [`Sound`].
pub(super) enum Files {
    Mix(PathBuf),
    /// Two channels of one file.
    StereoStems {
        path: PathBuf,
        voice: usize,
        accompaniment: usize,
    },
    Stems {
        voice: PathBuf,
        accompaniment: PathBuf,
        /// Factor for the amplitude of the voice.
        voice_gain: f32,
    },
    /// The accompaniment of a song of stems, by itself.
    Band {
        path: PathBuf,
        song: String,
    },
    Solo(PathBuf),
    Speech(PathBuf),
}

impl Item {
    /// Decodes the recording, and labels its frames.
    pub fn read(self, cache: &FeatureCache) -> Result<Track, CorpusProblem> {
        let separated = cache.separated(&self.files.sources())?;
        let sound = self.files.read(cache)?;
        let (frames, voice) = match &sound {
            Sound::Mix(sound) | Sound::Solo(sound) | Sound::Speech(sound) => {
                (sound.frames(), sound)
            }
            Sound::Stems {
                voice,
                accompaniment,
            } => (voice.frames().min(accompaniment.frames()), voice),
        };
        let voice = self.labels.of_frames(frames, voice);
        if voice.is_empty() {
            return Err(CorpusProblem::NoLabelWithinSound { track: self.name });
        }
        Ok(Track {
            song: match self.files {
                Files::Band { song, .. } => song,
                _ => self.name.clone(),
            },
            name: self.name,
            sound,
            voice,
            separated,
        })
    }
}

impl Files {
    /// What is mixed before separation.
    fn sources(&self) -> Vec<(&Path, Channels)> {
        match self {
            Self::Mix(path)
            | Self::Solo(path)
            | Self::Speech(path)
            | Self::Band { path, .. }
            | Self::StereoStems { path, .. } => vec![(path, Channels::Mean)],
            Self::Stems {
                voice,
                accompaniment,
                ..
            } => vec![(voice, Channels::Mean), (accompaniment, Channels::Mean)],
        }
    }

    fn read(&self, cache: &FeatureCache) -> Result<Sound, CorpusProblem> {
        let mean = |path: &Path| cache.recording(path, Channels::Mean);
        Ok(match self {
            Self::Mix(path) | Self::Band { path, .. } => Sound::Mix(mean(path)?),
            Self::StereoStems {
                path,
                voice,
                accompaniment,
            } => Sound::Stems {
                voice: cache.recording(path, Channels::Only(*voice))?,
                accompaniment: cache.recording(path, Channels::Only(*accompaniment))?,
            },
            Self::Stems {
                voice,
                accompaniment,
                voice_gain,
            } => Sound::Stems {
                voice: mean(voice)?.with_gain(*voice_gain),
                accompaniment: mean(accompaniment)?,
            },
            Self::Solo(path) => Sound::Solo(mean(path)?),
            Self::Speech(path) => Sound::Speech(mean(path)?),
        })
    }
}
