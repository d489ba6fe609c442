//! Reading a corpus in the layout of its kind: recordings, labels and the split.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::corpora::error::all_or_errors;
use crate::corpora::frame_labels::Labels;
use crate::corpora::item::Item;
use crate::corpora::labels::{LabelSettings, LeftOut};
use crate::corpora::{
    Corpus, CorpusError, CorpusKind, CorpusProblem, CorpusSettings, FeatureCache, Split, files,
    jamendo, labelled, mir1k, plain, rwc, stems, ultrastar,
};

/// How much of a track must have labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// All of it: a measurement must not depend on which parts were left without a label.
    Throughout,
    /// Any part; the rest is neither trained nor measured on.
    InParts,
}

/// Reads one split of a corpus whose folder is relative to `data`. A split that the corpus cannot have is
/// empty, even if the folder is missing: what only training needs is not required for a measurement.
///
/// # Errors
/// All problems of the corpus at once; no recording is skipped.
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

/// [`load`] with a coverage that does not depend on the settings and the split.
///
/// # Errors
/// As [`load`].
pub fn load_covered(
    settings: &CorpusSettings,
    data: &Path,
    split: Split,
    cache: &FeatureCache,
    coverage: Coverage,
) -> Result<Corpus, CorpusError> {
    let items = items(settings, data, split)?;
    report_left_out(settings, data, split, &items);
    let read: Vec<_> = items
        .into_par_iter()
        .map(|item| item.read(cache, coverage))
        .collect();
    Ok(Corpus {
        name: settings.label().to_owned(),
        weight: settings.weight,
        voice_share: settings.voice_share,
        tracks: all_or_errors(Vec::new(), read)
            .map_err(|problems| error(settings, data, problems))?,
    })
}

/// Labels are never left out in silence.
fn report_left_out(settings: &CorpusSettings, data: &Path, split: Split, items: &[Item]) {
    let mut left_out = LeftOut::default();
    for item in items {
        if let Labels::Song(file) | Labels::File(file) = &item.labels {
            left_out.add(&file.left_out);
        }
    }
    for sentence in left_out.sentences() {
        let root = place(&settings.root, data);
        tracing::warn!(
            "labels of {} ({}): {sentence}",
            root.display(),
            split.name()
        );
    }
}

/// Checks that a corpus has recordings with labels for training, validation and testing. No sound is
/// decoded, so damaged files are found by [`load`] only.
///
/// # Errors
/// The problems of the first split that has any.
pub fn check_layout(settings: &CorpusSettings, data: &Path) -> Result<(), CorpusError> {
    for split in Split::ALL {
        if items(settings, data, split)?.is_empty() {
            let problem = CorpusProblem::NoSplit { split };
            return Err(error(settings, data, vec![problem]));
        }
    }
    Ok(())
}

pub(super) fn items(
    settings: &CorpusSettings,
    data: &Path,
    split: Split,
) -> Result<Vec<Item>, CorpusError> {
    let root = place(&settings.root, data);
    if !has(settings, &root, split) {
        return Ok(Vec::new());
    }
    if !root.is_dir() {
        let problem = CorpusProblem::NotAFolder { path: root };
        return Err(error(settings, data, vec![problem]));
    }
    match settings.kind {
        CorpusKind::Mir1k => mir1k::items(&root, &settings.labels, split),
        CorpusKind::Jamendo => jamendo::items(&root, &settings.labels, split),
        CorpusKind::Rwc => rwc::items(&root, &settings.labels, split),
        CorpusKind::Ultrastar => ultrastar::items(&root, settings, split),
        CorpusKind::Stems => stems::items(&root, settings, split),
        CorpusKind::Solo => plain::solo(&root, settings, split),
        CorpusKind::Instrumental => plain::instrumental(&root, split),
        CorpusKind::Speech => plain::speech(&root, settings, split),
        CorpusKind::LeadInstruments => plain::lead_instruments(&root, settings, split),
        CorpusKind::Labelled => labelled::items(&root, settings, split),
    }
    .map_err(|problems| error(settings, data, problems))
}

/// Whether a corpus can have tracks of a split: a published split has all three; of any other corpus, only
/// the tracks that the settings name are kept from training.
fn has(settings: &CorpusSettings, root: &Path, split: Split) -> bool {
    let is_published = matches!(
        settings.kind,
        CorpusKind::Mir1k | CorpusKind::Jamendo | CorpusKind::Rwc | CorpusKind::Instrumental
    );
    match split {
        Split::Train => true,
        Split::Valid => is_published || !settings.valid.is_empty(),
        Split::Test => {
            let in_folder = settings.kind == CorpusKind::Stems && stems::has_test_folder(root);
            is_published || in_folder || !settings.test.is_empty()
        }
    }
}

fn error(settings: &CorpusSettings, data: &Path, problems: Vec<CorpusProblem>) -> CorpusError {
    let root = place(&settings.root, data);
    CorpusError {
        name: format!("{} {}", settings.kind.name(), root.display()),
        problems,
    }
}

/// Reads a whole folder to measure on: songs with labels beside them, or stems (`vocals/` and `instrumental/`), of which
/// each accompaniment is measured by itself too.
///
/// # Errors
/// All problems of the folder at once.
pub fn load_labelled(
    root: &Path,
    cache: &FeatureCache,
    coverage: Coverage,
    labels: &LabelSettings,
) -> Result<Corpus, CorpusError> {
    let name = root.canonicalize().ok().and_then(|whole| {
        let name = whole.file_name()?;
        Some(name.to_string_lossy().into_owned())
    });
    let name = name.unwrap_or_else(|| root.display().to_string());
    let has_stems = ["vocals", "instrumental"].map(|stems| root.join(stems).is_dir()) == [true; 2];
    let (kind, below) = match has_stems {
        true => (CorpusKind::Stems, root.join("vocals")),
        false => (CorpusKind::Labelled, root.into()),
    };
    let sounds = files::sounds_below(&below).map_err(|problems| CorpusError {
        name: name.clone(),
        problems,
    })?;
    let settings = CorpusSettings {
        name: Some(name),
        test: sounds.iter().map(|path| files::stem(path)).collect(),
        partly_labelled: coverage == Coverage::InParts,
        band_alone: has_stems,
        labels: labels.clone(),
        ..CorpusSettings::new(kind, root, 0.0)
    };
    // The root is the caller's path, not one below a data folder.
    load_covered(&settings, Path::new(""), Split::Test, cache, coverage)
}

/// The folder of a corpus: absolute, below the home folder (`~/`), or below the data folder.
fn place(root: &Path, data: &Path) -> PathBuf {
    match (root.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => data.join(root),
    }
}
