//! Labelled recordings in memory: tracks, corpora and their splits.

use crate::corpora::recording::Recording;
use crate::corpora::separated::SeparatedTrack;
use crate::frontend::{FRAME_SAMPLES, HOP_SAMPLES, SAMPLE_RATE_HZ};

/// Frames a second of the common grid: 70.
const FRAME_RATE_HZ: f64 = SAMPLE_RATE_HZ as f64 / HOP_SAMPLES as f64;

/// The part of a corpus that a track belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// Weights are fitted to it.
    Train,
    /// Training ends by its loss, and thresholds are chosen on it.
    Valid,
    /// Finished checkpoints are measured on it.
    Test,
}

impl Split {
    /// Every split.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// The name in folders and messages: `train`, `valid` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// The sound of a track, in the parts that windows can be mixed from.
#[derive(Debug, Clone, PartialEq)]
pub enum Sound {
    /// A finished mix.
    Mix(Recording),
    /// Voice and accompaniment apart, in the balance of the mix.
    Stems {
        /// The lead voice.
        voice: Recording,
        /// Everything else.
        accompaniment: Recording,
    },
    /// A voice or a lead instrument alone, which may be laid over any music.
    Solo(Recording),
    /// Speech: neither a lead nor music to sing over.
    Speech(Recording),
}

/// A labelled recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its file's name without extension, or the corpus's own name for it.
    pub name: String,
    /// The song that it is a version of. Versions of one song are not independent in an interval.
    pub song: String,
    /// Its samples.
    pub sound: Sound,
    /// Whether there is a voice in each frame (315 samples at 22 050 Hz); `None` without a label.
    pub voice: Vec<Option<bool>>,
    /// Whether somebody speaks in each of these frames; `None` where that is unknown.
    pub speech: Vec<Option<bool>>,
    /// Features of the recorded mix's separated parts, if the network uses
    /// [`SeparatedMel`](crate::frontend::Features::SeparatedMel).
    pub separated: Option<SeparatedTrack>,
}

impl Track {
    /// Labelled frames, those without a voice and those in gaps of the labels included.
    pub fn frames(&self) -> usize {
        self.voice.len()
    }

    /// The label of the frame whose middle is nearest to a time in seconds; `None` after the last.
    pub fn voice_at(&self, t_s: f64) -> Option<bool> {
        self.voice.get(frame_at_s(t_s)).copied().flatten()
    }
}

/// The frame whose middle is nearest to a time in seconds.
fn frame_at_s(t_s: f64) -> usize {
    let samples = t_s * f64::from(SAMPLE_RATE_HZ) - (FRAME_SAMPLES / 2) as f64;
    (samples / HOP_SAMPLES as f64).round().max(0.0) as usize
}

/// The tracks of one corpus and split.
pub struct Corpus {
    /// A short name for reports.
    pub name: String,
    /// Share of the training windows, in proportion to the other corpora.
    pub weight: f64,
    /// Fraction of the drawn windows that should have a voice; `None` draws whatever the tracks have.
    pub voice_share: Option<f64>,
    /// Its recordings.
    pub tracks: Vec<Track>,
}

impl Corpus {
    /// Length of all tracks in minutes.
    pub fn minutes(&self) -> f64 {
        self.tracks.iter().map(Track::frames).sum::<usize>() as f64 / FRAME_RATE_HZ / 60.0
    }

    /// Fraction of all frames that are labelled as voice; NaN without frames.
    pub fn voiced_fraction(&self) -> f64 {
        let labels = || self.tracks.iter().flat_map(|track| &track.voice);
        let voiced = labels().filter(|label| **label == Some(true)).count();
        voiced as f64 / labels().count() as f64
    }
}
