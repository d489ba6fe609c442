//! Corpora as tracks: recordings and when there is a voice. A file a corpus.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{files, jamendo, labelled, mir1k, plain, rwc, stems, ultrastar};

use crate::corpora::feature_cache::{
    Channels, FeatureCache, SeparatedTrack, frame_at_s, frame_time_s,
};
use crate::corpora::recording::Recording;
use crate::corpora::{CorpusKind, CorpusSettings};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    Train,
    Valid,
    Test,
}

impl Split {
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// What there is of a track to make windows from.
#[derive(Debug, Clone, PartialEq)]
pub enum Sound {
    /// A finished mix.
    Mix(Recording),
    /// Voice and accompaniment apart, in the balance of the mix.
    Stems {
        voice: Recording,
        accompaniment: Recording,
    },
    /// A voice, or another lead, alone: it may be laid over any music.
    Solo(Recording),
    /// Someone talking: neither a lead nor music to sing over.
    Speech(Recording),
}

/// A labelled piece of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub name: String,
    pub sound: Sound,
    /// Whether there is a voice, a value a frame; `None` where the labels do not say.
    pub voice: Vec<Option<bool>>,
    /// The recorded mix, separated: only where it is read for networks that listen to that.
    pub separated: Option<SeparatedTrack>,
}

impl Track {
    pub fn frames(&self) -> usize {
        self.voice.len()
    }

    /// The label of the frame whose middle is nearest; none after the last.
    pub fn voice_at(&self, t_s: f64) -> Option<bool> {
        self.voice.get(frame_at_s(t_s)).copied().flatten()
    }
}

/// The tracks of one corpus and split.
pub struct Corpus {
    pub name: String,
    pub weight: f64,
    /// Fraction of drawn windows that should have a voice.
    pub voice_share: Option<f64>,
    pub tracks: Vec<Track>,
}

/// What a corpus lacks, everything at once.
#[derive(Debug, thiserror::Error)]
#[error("the corpus {name} cannot be used:\n  {}", faults.join("\n  "))]
pub struct CorpusError {
    pub name: String,
    pub faults: Vec<String>,
}

/// A file of a corpus with its labels, before it is decoded.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) sound: Files,
    pub(super) labels: Labels,
}

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
    },
    Solo(PathBuf),
    Speech(PathBuf),
}

/// When there is a voice.
pub(super) enum Labels {
    /// Seconds from and to; elsewhere there is none.
    Spans(Vec<(f64, f64)>),
    /// Spans with a voice and without one; elsewhere it is not known.
    Partial(Vec<labelled::Span>),
    /// A value every `hop_s`, of which the first speaks of `first_s`.
    Grid {
        first_s: f64,
        hop_s: f64,
        voice: Vec<bool>,
    },
    /// Where the voice sounds.
    VoiceEnergy,
    NoVoice,
}

/// Reads one split of a corpus. All faults are named at once; nothing is skipped in silence. What only training
/// asks for need not be there to measure by.
pub fn load(
    settings: &CorpusSettings,
    data: &Path,
    split: Split,
    cache: &FeatureCache,
) -> Result<Corpus, CorpusError> {
    let coverage = match split {
        Split::Valid | Split::Test if !settings.partly_labelled => Coverage::Throughout,
        _ => Coverage::InParts,
    };
    load_covered(settings, data, split, cache, coverage)
}

/// How much of a track labels must speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// All of it: a measure should not depend on which parts were left without a label.
    Throughout,
    /// Any of it; the rest is neither trained on nor measured.
    InParts,
}

fn load_covered(
    settings: &CorpusSettings,
    data: &Path,
    split: Split,
    cache: &FeatureCache,
    coverage: Coverage,
) -> Result<Corpus, CorpusError> {
    let failed = |faults| error(settings, data, faults);
    let items = items(settings, data, split)?;
    let read: Vec<Result<Track, String>> = items
        .into_par_iter()
        .map(|item| read(item, cache).and_then(|track| covered(track, coverage)))
        .collect();
    let (tracks, faults): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
    let faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
    if !faults.is_empty() {
        return Err(failed(faults));
    }
    let tracks = tracks.into_iter().flatten().collect();
    Ok(Corpus {
        name: label(settings),
        weight: settings.weight,
        voice_share: settings.voice_share,
        tracks,
    })
}

/// Whether a corpus is there with sound and labels for training, validation and testing; what is
/// missing otherwise. No sound is decoded: damaged files are found when they are read.
pub fn look(settings: &CorpusSettings, data: &Path) -> Result<(), CorpusError> {
    for split in [Split::Train, Split::Valid, Split::Test] {
        if items(settings, data, split)?.is_empty() {
            let fault = format!("it has no {} split", split.name());
            return Err(error(settings, data, vec![fault]));
        }
    }
    Ok(())
}

fn items(settings: &CorpusSettings, data: &Path, split: Split) -> Result<Vec<Item>, CorpusError> {
    if !has(settings, split) {
        return Ok(Vec::new());
    }
    let root = place(&settings.root, data);
    if !root.is_dir() {
        let fault = format!("{} is not a folder", root.display());
        return Err(error(settings, data, vec![fault]));
    }
    match settings.kind {
        CorpusKind::Mir1k => mir1k::items(&root, split),
        CorpusKind::Jamendo => jamendo::items(&root, split),
        CorpusKind::Rwc => rwc::items(&root, split),
        CorpusKind::Ultrastar => ultrastar::items(&root, settings, split),
        CorpusKind::Stems => stems::items(&root, settings, split),
        CorpusKind::Solo => plain::solo(&root, settings, split),
        CorpusKind::Instrumental => plain::instrumental(&root, split),
        CorpusKind::Speech => plain::speech(&root, settings, split),
        CorpusKind::LeadInstruments => plain::lead_instruments(&root, settings, split),
        CorpusKind::Labelled => labelled::items(&root, settings, split),
    }
    .map_err(|faults| error(settings, data, faults))
}

/// Whether anything of a corpus can be of this split: a published split has all three, of anything else nothing
/// is kept from training but what is named.
fn has(settings: &CorpusSettings, split: Split) -> bool {
    let is_published = matches!(
        settings.kind,
        CorpusKind::Mir1k | CorpusKind::Jamendo | CorpusKind::Rwc | CorpusKind::Instrumental
    );
    match split {
        Split::Train => true,
        Split::Valid => is_published || !settings.valid.is_empty(),
        Split::Test => is_published || !settings.test.is_empty(),
    }
}

fn error(settings: &CorpusSettings, data: &Path, faults: Vec<String>) -> CorpusError {
    let root = place(&settings.root, data);
    CorpusError {
        name: format!("{} {}", settings.kind.name(), root.display()).to_lowercase(),
        faults,
    }
}

/// Reads a whole folder of songs with labels beside them, to measure on.
pub fn load_labelled(
    root: &Path,
    cache: &FeatureCache,
    coverage: Coverage,
) -> Result<Corpus, CorpusError> {
    let name = root.canonicalize().ok().and_then(|whole| {
        let name = whole.file_name()?;
        Some(name.to_string_lossy().into_owned())
    });
    let name = name.unwrap_or_else(|| root.display().to_string());
    let sounds = files::sounds_below(root).map_err(|faults| CorpusError {
        name: name.clone(),
        faults,
    })?;
    let settings = CorpusSettings {
        kind: CorpusKind::Labelled,
        root: root.into(),
        weight: 0.0,
        voice_share: None,
        valid: Vec::new(),
        test: sounds.iter().map(|path| files::stem(path)).collect(),
        exclude: Vec::new(),
        partly_labelled: coverage == Coverage::InParts,
    };
    // The root is not below a data folder: it is where the caller says.
    let corpus = load_covered(&settings, Path::new(""), Split::Test, cache, coverage)?;
    Ok(Corpus { name, ..corpus })
}

/// A short name for reports: the kind, as the settings spell it.
fn label(settings: &CorpusSettings) -> String {
    settings.kind.name().to_owned()
}

/// A corpus folder: absolute, from home on (`~/`), or from the data folder on.
fn place(root: &Path, data: &Path) -> PathBuf {
    match (root.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => data.join(root),
    }
}

fn read(item: Item, cache: &FeatureCache) -> Result<Track, String> {
    let separated = match &item.sound {
        Files::Mix(path)
        | Files::Solo(path)
        | Files::Speech(path)
        | Files::StereoStems { path, .. } => cache.separated(&[(path, Channels::Mean)])?,
        Files::Stems {
            voice,
            accompaniment,
        } => cache.separated(&[(voice, Channels::Mean), (accompaniment, Channels::Mean)])?,
    };
    let sound = match item.sound {
        Files::Mix(path) => Sound::Mix(cache.recording(&path, Channels::Mean)?),
        Files::StereoStems {
            path,
            voice,
            accompaniment,
        } => Sound::Stems {
            voice: cache.recording(&path, Channels::Only(voice))?,
            accompaniment: cache.recording(&path, Channels::Only(accompaniment))?,
        },
        Files::Stems {
            voice,
            accompaniment,
        } => Sound::Stems {
            voice: cache.recording(&voice, Channels::Mean)?,
            accompaniment: cache.recording(&accompaniment, Channels::Mean)?,
        },
        Files::Solo(path) => Sound::Solo(cache.recording(&path, Channels::Mean)?),
        Files::Speech(path) => Sound::Speech(cache.recording(&path, Channels::Mean)?),
    };
    let (frames, loud) = match &sound {
        Sound::Mix(mix) => (mix.frames(), mix),
        Sound::Stems {
            voice,
            accompaniment,
        } => (voice.frames().min(accompaniment.frames()), voice),
        Sound::Solo(voice) | Sound::Speech(voice) => (voice.frames(), voice),
    };
    let mut voice: Vec<Option<bool>> = match item.labels {
        Labels::NoVoice => vec![Some(false); frames],
        Labels::VoiceEnergy => known(stems::sounding(loud, frames)),
        Labels::Spans(spans) => (0..frames)
            .map(frame_time_s)
            .map(|t| Some(spans.iter().any(|&(from, to)| (from..to).contains(&t))))
            .collect(),
        Labels::Partial(spans) => (0..frames)
            .map(|frame| labelled::voice_at(&spans, frame_time_s(frame)))
            .collect(),
        Labels::Grid {
            first_s,
            hop_s,
            voice,
        } => {
            let last = voice.len().saturating_sub(1);
            let index = |t: f64| (((t - first_s) / hop_s).round().max(0.0) as usize).min(last);
            (0..frames)
                .map(|frame| Some(voice[index(frame_time_s(frame))]))
                .collect()
        }
    };
    // Labels may end a little before the sound does.
    voice.truncate(
        voice
            .iter()
            .rposition(Option::is_some)
            .map_or(0, |last| last + 1),
    );
    if voice.is_empty() {
        return Err(format!("{} has no label within its sound", item.name));
    }
    Ok(Track {
        name: item.name,
        sound,
        voice,
        separated,
    })
}

fn covered(track: Track, coverage: Coverage) -> Result<Track, String> {
    match track.voice.iter().position(Option::is_none) {
        Some(frame) if coverage == Coverage::Throughout => Err(format!(
            "{} has no label at {:.2} s, and is to be measured on throughout (`partly_labelled = true` in an \
             experiment, or `vocald evaluate --partly-labelled` of a folder, measures what has labels)",
            track.name,
            frame_time_s(frame)
        )),
        _ => Ok(track),
    }
}

fn known(voice: Vec<bool>) -> Vec<Option<bool>> {
    voice.into_iter().map(Some).collect()
}
