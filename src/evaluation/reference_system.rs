//! Reference systems: other detectors, of which only label files for the same tracks are known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::corpora::CorpusProblem;
use crate::corpora::files::below;
use crate::corpora::labels::{
    EXTENSIONS, LabelError, LabelFile, LabelFiles, LabelSettings, LeftOut, Span, read,
};
use crate::evaluation::decide::{Change, Decisions};
use crate::evaluation::grid::Grid;

/// Labels this close to each other, in seconds, are one: times are rounded in the files.
const JOIN_WITHIN_S: f64 = 1e-3;

/// The labels of another detector.
pub struct ReferenceSystem {
    /// The name of the folder.
    pub name: String,
    /// By name of the track.
    tracks: BTreeMap<String, LabelFile>,
}

/// The output of a reference system on a track, at the times of a checkpoint's decisions.
pub struct ReferenceOutput {
    /// Decisions, and the changes of the labels.
    pub decisions: Decisions,
    /// The probability of voice in each window, if the labels have probabilities.
    pub p: Option<Vec<f32>>,
}

/// Labels of a reference system that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// A folder cannot be read.
    #[error(transparent)]
    Folder(#[from] CorpusProblem),
    /// A track without labels.
    #[error("{} holds no labels for {track} ({track}.lab or another format of docs/files.md)", folder.display())]
    NoLabels {
        /// The folder of the reference system.
        folder: PathBuf,
        /// The track.
        track: String,
    },
    /// A track with more than one file of labels.
    #[error("{} holds several files of labels for {track}; leave one", folder.display())]
    SeveralLabels {
        /// The folder of the reference system.
        folder: PathBuf,
        /// The track.
        track: String,
    },
    /// A file that cannot be read or parsed.
    #[error("{}: {reason}", path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: LabelError,
    },
}

impl ReferenceSystem {
    /// Reads `TRACK.lab`, Audacity's `TRACK.txt` or labels in any other format below a folder for every track.
    ///
    /// # Errors
    ///
    /// Every track whose labels are missing or invalid.
    pub fn read(
        folder: &Path,
        tracks: &[&str],
        settings: &LabelSettings,
    ) -> Result<Self, Vec<ReferenceError>> {
        let unreadable =
            |problems: Vec<CorpusProblem>| problems.into_iter().map(Into::into).collect::<Vec<_>>();
        let files = LabelFiles::new(below(folder, &EXTENSIONS).map_err(unreadable)?);
        let read_track = |name: &str| {
            let (folder, track) = (folder.to_owned(), name.to_owned());
            match files.of(name, None)[..] {
                [] => Err(ReferenceError::NoLabels { folder, track }),
                [path] => read(path, settings).map_err(|reason| ReferenceError::Labels {
                    path: path.to_owned(),
                    reason,
                }),
                _ => Err(ReferenceError::SeveralLabels { folder, track }),
            }
        };
        let mut labels = BTreeMap::new();
        let mut problems = Vec::new();
        for &name in tracks {
            match read_track(name) {
                Ok(of_track) => _ = labels.insert(name.to_owned(), of_track),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut left_out = LeftOut::default();
        labels
            .values()
            .for_each(|file: &LabelFile| left_out.add(&file.left_out));
        for sentence in left_out.sentences() {
            tracing::warn!("reference labels of {}: {sentence}", folder.display());
        }
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            tracks: labels,
        })
    }

    /// The labels of a track at the times of `windows` decisions; what no label covers is no voice. Changes are those of
    /// the labels between the first and the last decision. `None` for an unknown track.
    pub fn output(&self, track: &str, windows: usize, grid: Grid) -> Option<ReferenceOutput> {
        let labels = self.tracks.get(track)?;
        let times = || (0..windows).map(|window| grid.time_s(window));
        let voice = times().map(|t| labels.voice_at(t) == Some(true)).collect();
        let p = labels
            .p
            .as_ref()
            .map(|p| times().map(|t| nearest_p(p, t)).collect());
        let changes = changes(&labels.spans);
        let (first_s, last_s) = (grid.time_s(0), grid.time_s(windows.saturating_sub(1)));
        let mut inside: Vec<Change> = changes
            .iter()
            .copied()
            .filter(|c| (first_s..=last_s).contains(&c.t_s))
            .collect();
        // A voice that is present at the first decision begins there, as in the decisions of a checkpoint.
        let before = changes.iter().rfind(|c| c.t_s < first_s);
        if before.is_some_and(|c| c.voice) {
            inside.insert(0, change(true, first_s));
        }
        Some(ReferenceOutput {
            decisions: Decisions {
                voice,
                changes: inside,
            },
            p,
        })
    }
}

/// Onsets and offsets of the voice.
fn changes(spans: &[Span]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for span in spans.iter().filter(|span| span.voice == Some(true)) {
        match changes.last_mut() {
            // Adjacent labels.
            Some(end) if span.from_s <= end.t_s + JOIN_WITHIN_S => {
                end.t_s = end.t_s.max(span.to_s);
            }
            _ => changes.extend([change(true, span.from_s), change(false, span.to_s)]),
        }
    }
    changes
}

fn change(voice: bool, t_s: f64) -> Change {
    Change {
        voice,
        t_s,
        told_s: None,
    }
}

/// The probability of the row nearest in time; the times rise.
fn nearest_p(rows: &[(f64, f32)], t_s: f64) -> f32 {
    let after = rows.partition_point(|row| row.0 < t_s);
    let around = rows[after.saturating_sub(1)..rows.len().min(after + 1)].iter();
    around
        .min_by(|a, b| (a.0 - t_s).abs().total_cmp(&(b.0 - t_s).abs()))
        .map_or(0.0, |row| row.1)
}
