//! Errors of reading corpora.

use std::io;
use std::path::{Path, PathBuf};

use crate::audio::AudioError;
use crate::corpora::Split;
use crate::corpora::labels::LabelError;
use crate::frontend::resample::ResampleError;

/// A corpus that cannot be used, with every problem it has.
#[derive(Debug, thiserror::Error)]
#[error("the corpus {name} cannot be used:\n  {}", self.problem_lines().replace('\n', "\n  "))]
#[allow(missing_docs)] // The messages name the fields.
pub struct CorpusError {
    /// Its kind and its folder.
    pub name: String,
    /// In the order in which they were found; at least one.
    pub problems: Vec<CorpusProblem>,
}

impl CorpusError {
    /// One line for each problem.
    pub fn problem_lines(&self) -> String {
        let problems: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        problems.join("\n")
    }
}

/// One problem of a corpus.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum CorpusProblem {
    /// The corpus has no folder.
    #[error("{} is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    /// A folder or a file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    /// A folder that should contain recordings has none.
    #[error("{} holds no sound files", path.display())]
    NoSounds { path: PathBuf },
    /// A folder of stems without any.
    #[error("{} holds neither `vocals` and `instrumental` nor folders with a file `vocals`", path.display())]
    NoStems { path: PathBuf },
    /// No track belongs to a required split.
    #[error("it has no {} split", split.name())]
    NoSplit { split: Split },
    /// `valid`, `test` or `exclude` of the settings names a track that does not exist.
    #[error("the experiment names a track `{track}` that is not there")]
    UnknownTrack { track: String },
    /// A recording without labels.
    #[error("{track} has no {expected}")]
    NoLabels { track: String, expected: String },
    /// A recording with more than one file of labels.
    #[error("{} are labels of one recording; leave one of them", files.join(" and "))]
    SeveralLabels { files: Vec<String> },
    /// A song with more than one vocal stem.
    #[error("{} and {} are vocal stems of one song; leave one of them", first.display(), second.display())]
    SeveralVocals { first: PathBuf, second: PathBuf },
    /// A file of labels that cannot be parsed.
    #[error("{}: {reason}", path.display())]
    Labels { path: PathBuf, reason: LabelError },
    /// Labels without a recording.
    #[error("{} has no song", path.display())]
    NoSong { path: PathBuf },
    /// A recording of Jamendo in no folder of a split and in none of the published lists.
    #[error("{} is in none of the published lists of Jamendo's 93 songs", path.display())]
    NotListed { path: PathBuf },
    /// A stem without its counterpart.
    #[error("{} has no accompaniment ({expected})", path.display())]
    NoCounterpart { path: PathBuf, expected: String },
    /// A clip of MIR-1K that is neither mono nor stereo.
    #[error("{} has {channels} channels; a clip of MIR-1K has 1 or 2", path.display())]
    ClipChannels { path: PathBuf, channels: u16 },
    /// A recording of RWC without a number in its name.
    #[error("{} has no song's number in its name", path.display())]
    NoSongNumber { path: PathBuf },
    /// Two recordings of RWC with the same number.
    #[error("{} and {} are both song {song}", first.display(), second.display())]
    SameSong {
        first: PathBuf,
        second: PathBuf,
        song: u32,
    },
    /// An annotated song of RWC without a recording.
    #[error("song {song} is annotated, but its sound is not there")]
    SongMissing { song: u32 },
    /// A recording that cannot be decoded, or whose features cannot be kept.
    #[error(transparent)]
    Sound(#[from] SoundError),
    /// Labels that begin after the end of the recording.
    #[error("{track} has no label within its sound")]
    NoLabelWithinSound { track: String },
    /// Incomplete labels where [`Coverage::Throughout`](crate::corpora::Coverage) is required.
    #[error(
        "{track} has no label at {at_s:.2} s, and is to be measured on throughout (`partly_labelled = true` in an \
         experiment, or `vocald evaluate --partly-labelled` of a folder, measures what has labels)"
    )]
    NotCovered { track: String, at_s: f64 },
}

impl CorpusProblem {
    /// Several files of labels of one recording.
    pub(super) fn several_labels(files: &[&Path]) -> Self {
        let files = files.iter().map(|path| path.display().to_string());
        Self::SeveralLabels {
            files: files.collect(),
        }
    }
}

/// A sound file whose features cannot be provided.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum SoundError {
    /// The decoder refuses the file.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The file cannot be found or examined.
    #[error("{}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    /// The file has no channel of this number, counted from 1.
    #[error("{} has {channels} channels, not {required}", path.display())]
    Channel {
        path: PathBuf,
        channels: usize,
        required: usize,
    },
    /// The sample rate is out of the resampler's range.
    #[error("{}: {reason}", path.display())]
    Rate {
        path: PathBuf,
        reason: ResampleError,
    },
    /// The file is cut off, or parts of it cannot be decoded.
    #[error("{}: {damage}", path.display())]
    Damaged { path: PathBuf, damage: String },
    /// The file has less than a frame of sound.
    #[error("{} is shorter than one frame (46 ms)", path.display())]
    TooShort { path: PathBuf },
    /// The cache cannot be written.
    #[error("cannot keep features in {}: {reason}", folder.display())]
    CacheUnwritable { folder: PathBuf, reason: io::Error },
}

/// All values, or all errors: `known` and those of `results`.
pub(super) fn all_or_errors<T, E>(
    known: Vec<E>,
    results: impl IntoIterator<Item = Result<T, E>>,
) -> Result<Vec<T>, Vec<E>> {
    let (mut values, mut errors) = (Vec::new(), known);
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    match errors.is_empty() {
        true => Ok(values),
        false => Err(errors),
    }
}
