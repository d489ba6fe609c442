//! A recording of a corpus before it is decoded: its files and its labels.

use std::path::{Path, PathBuf};

use crate::corpora::frame_labels::{FrameLabels, Labels};
use crate::corpora::labels::{FaultyLabels, LabelFiles, LabelSettings, read};
use crate::corpora::load::Coverage;
use crate::corpora::recording::Recording;
use crate::corpora::sound_file::Channels;
use crate::corpora::{CorpusProblem, FeatureCache, Sound, Track};
use crate::frontend::window::frame_time_s;

/// Labels that end so much later or earlier than their sound, in seconds, are reported.
const BEYOND_S: f64 = 2.0;
/// Stems that differ so much in length, in seconds, are reported.
const UNEQUAL_S: f64 = 0.5;

/// All recordings of a split, or all problems.
pub(super) type Items = Result<Vec<Item>, Vec<CorpusProblem>>;

/// A recording and its labels.
pub(super) struct Item {
    pub name: String,
    pub files: Files,
    pub labels: Labels,
}

/// Recordings and problems of a split, while they are gathered.
pub(super) type Found = Result<Item, CorpusProblem>;

/// All recordings, or all problems. A recording that the settings leave out for its missing or faulty labels is
/// reported and is no problem.
pub(super) fn gather(
    settings: &LabelSettings,
    mut problems: Vec<CorpusProblem>,
    found: impl IntoIterator<Item = Found>,
) -> Items {
    let (mut items, mut unlabelled, mut faulty) = (Vec::new(), Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(item) => items.push(item),
            Err(problem @ CorpusProblem::NoLabels { .. }) if settings.skip_unlabelled => {
                unlabelled.push(problem);
            }
            Err(problem @ CorpusProblem::Labels { .. })
                if settings.faulty == FaultyLabels::SkipFiles =>
            {
                faulty.push(problem);
            }
            Err(problem) => problems.push(problem),
        }
    }
    for (left_out, what) in [
        (unlabelled, "without labels"),
        (faulty, "with faulty labels"),
    ] {
        if !left_out.is_empty() {
            let names: Vec<String> = left_out.iter().map(ToString::to_string).collect();
            tracing::warn!(
                "{} recordings {what} are left out:\n  {}",
                names.len(),
                names.join("\n  ")
            );
        }
    }
    match problems.is_empty() {
        true => Ok(items),
        false => Err(problems),
    }
}

/// The labels in the one file of `name`, in one folder or in all; `None` without such a file.
pub(super) fn labels_of(
    files: &LabelFiles,
    name: &str,
    folder: Option<&Path>,
    settings: &LabelSettings,
) -> Result<Option<Labels>, CorpusProblem> {
    match files.of(name, folder)[..] {
        [] => Ok(None),
        [path] => read_labels(path, settings).map(Some),
        ref several => Err(CorpusProblem::several_labels(several)),
    }
}

/// The labels in a file of a song.
pub(super) fn read_labels(path: &Path, settings: &LabelSettings) -> Result<Labels, CorpusProblem> {
    read(path, settings)
        .map(Labels::Song)
        .map_err(|reason| CorpusProblem::Labels {
            path: path.into(),
            reason,
        })
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
        /// The files that make up the accompaniment, which is their sum.
        accompaniment: Vec<PathBuf>,
        /// Factor for the amplitude of the voice.
        voice_gain: f32,
    },
    /// The accompaniment of a song of stems, by itself: the sum of these files.
    Band {
        accompaniment: Vec<PathBuf>,
        song: String,
    },
    Solo(PathBuf),
    Speech(PathBuf),
}

impl Item {
    /// Decodes the recording, and labels its frames.
    pub fn read(self, cache: &FeatureCache, coverage: Coverage) -> Result<Track, CorpusProblem> {
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
        let (end_s, sound_s) = (self.labels.end_s(), frame_time_s(frames));
        if end_s > sound_s + BEYOND_S {
            tracing::warn!(
                "the labels of {} go on to {end_s:.1} s, but its sound ends at {sound_s:.1} s: are they its own, and in \
                 seconds?",
                self.name
            );
        }
        let FrameLabels {
            voice,
            speech,
            first_gap,
        } = self.labels.of_frames(frames, voice);
        if voice.is_empty() {
            return Err(CorpusProblem::NoLabelWithinSound { track: self.name });
        }
        if coverage == Coverage::Throughout {
            if let Some(frame) = first_gap {
                return Err(CorpusProblem::NotCovered {
                    track: self.name,
                    at_s: frame_time_s(frame),
                });
            }
            let labelled_s = frame_time_s(voice.len());
            if sound_s > labelled_s + BEYOND_S {
                tracing::warn!(
                    "the labels of {} end at {labelled_s:.1} s, and its sound goes on to {sound_s:.1} s: the rest is not \
                     measured",
                    self.name
                );
            }
        }
        Ok(Track {
            song: match self.files {
                Files::Band { song, .. } => song,
                _ => self.name.clone(),
            },
            name: self.name,
            sound,
            voice,
            speech,
            separated,
        })
    }
}

/// Stems of different lengths: the shortest ends the song.
fn report_lengths<'a>(stems: impl Iterator<Item = (&'a PathBuf, f64)> + Clone) {
    let shortest = stems.clone().min_by(|(_, a), (_, b)| a.total_cmp(b));
    let longest = stems.max_by(|(_, a), (_, b)| a.total_cmp(b));
    if let (Some((short, end_s)), Some((long, long_s))) = (shortest, longest)
        && long_s > end_s + UNEQUAL_S
    {
        tracing::warn!(
            "{} ends at {end_s:.1} s, and {} at {long_s:.1} s: what follows the end of the shortest stem is left out",
            short.display(),
            long.display()
        );
    }
}

impl Files {
    /// What is mixed before separation.
    fn sources(&self) -> Vec<(&Path, Channels)> {
        match self {
            Self::Mix(path)
            | Self::Solo(path)
            | Self::Speech(path)
            | Self::StereoStems { path, .. } => vec![(path, Channels::Mean)],
            Self::Stems {
                voice,
                accompaniment,
                ..
            } => std::iter::once(voice)
                .chain(accompaniment)
                .map(|path| (path.as_path(), Channels::Mean))
                .collect(),
            Self::Band { accompaniment, .. } => accompaniment
                .iter()
                .map(|path| (path.as_path(), Channels::Mean))
                .collect(),
        }
    }

    fn read(&self, cache: &FeatureCache) -> Result<Sound, CorpusProblem> {
        let mean = |path: &Path| cache.recording(path, Channels::Mean);
        let sum = |paths: &[PathBuf]| {
            let all = paths.iter().map(|path| mean(path));
            all.collect::<Result<Vec<_>, _>>().map(Recording::sum)
        };
        Ok(match self {
            Self::Mix(path) => Sound::Mix(mean(path)?),
            Self::Band { accompaniment, .. } => Sound::Mix(sum(accompaniment)?),
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
            } => {
                let others = accompaniment.iter().map(|path| mean(path));
                let (first, others) = (mean(voice)?, others.collect::<Result<Vec<_>, _>>()?);
                let lengths = std::iter::once(&first)
                    .chain(&others)
                    .map(Recording::seconds);
                report_lengths(std::iter::once(voice).chain(accompaniment).zip(lengths));
                Sound::Stems {
                    voice: first.with_gain(*voice_gain),
                    accompaniment: Recording::sum(others),
                }
            }
            Self::Solo(path) => Sound::Solo(mean(path)?),
            Self::Speech(path) => Sound::Speech(mean(path)?),
        })
    }
}
