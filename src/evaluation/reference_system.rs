//! Reference systems: other detectors, of which only label files for the same tracks are known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::corpora::CorpusProblem;
use crate::corpora::files::{below, stem};
use crate::corpora::labels::{LabelError, Span, read_spans, voice_at};
use crate::evaluation::decide::{Change, Decisions};
use crate::evaluation::grid::Grid;

/// Labels this close to each other, in seconds, are one: times are rounded in the files.
const JOIN_WITHIN_S: f64 = 1e-3;

/// The labels of another detector.
pub struct ReferenceSystem {
    /// The name of the folder.
    pub name: String,
    /// By name of the track.
    tracks: BTreeMap<String, ReferenceLabels>,
}

struct ReferenceLabels {
    spans: Vec<Span>,
    /// Times in seconds and probabilities, if the file has them.
    p: Option<Vec<(f64, f32)>>,
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
    #[error("{} holds no labels for {track} ({track}.lab, .txt or .csv)", folder.display())]
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
    /// A probability outside 0 to 1.
    #[error("{}: line {line} has a p beyond 0 to 1", path.display())]
    Probability {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
    },
}

impl ReferenceSystem {
    /// Reads `TRACK.lab`, Audacity's `TRACK.txt` or `TRACK.csv` below a folder for every track.
    ///
    /// # Errors
    ///
    /// Every track whose labels are missing or invalid.
    pub fn read(folder: &Path, tracks: &[&str]) -> Result<Self, Vec<ReferenceError>> {
        let unreadable =
            |problems: Vec<CorpusProblem>| problems.into_iter().map(Into::into).collect::<Vec<_>>();
        let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for path in below(folder, &["lab", "txt", "csv"]).map_err(unreadable)? {
            files.entry(stem(&path)).or_default().push(path);
        }
        let read = |name: &str| {
            let (folder, track) = (folder.to_owned(), name.to_owned());
            match files.get(name).map(Vec::as_slice) {
                None | Some([]) => Err(ReferenceError::NoLabels { folder, track }),
                Some([path]) => ReferenceLabels::read(path),
                Some(_) => Err(ReferenceError::SeveralLabels { folder, track }),
            }
        };
        let mut labels = BTreeMap::new();
        let mut problems = Vec::new();
        for &name in tracks {
            match read(name) {
                Ok(of_track) => _ = labels.insert(name.to_owned(), of_track),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
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
        let voice = times()
            .map(|t| voice_at(&labels.spans, t) == Some(true))
            .collect();
        let p = labels
            .p
            .as_ref()
            .map(|p| times().map(|t| nearest_p(p, t)).collect());
        let changes = labels.changes();
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

impl ReferenceLabels {
    fn read(path: &Path) -> Result<Self, ReferenceError> {
        let invalid = |reason| ReferenceError::Labels {
            path: path.to_owned(),
            reason,
        };
        let spans = read_spans(path).map_err(invalid)?;
        let is_csv = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        let p = match is_csv {
            true => probabilities(path)?,
            false => None,
        };
        Ok(Self { spans, p })
    }

    /// Onsets and offsets of the voice.
    fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        let mut voiced: Vec<&Span> = self.spans.iter().filter(|s| s.voice).collect();
        voiced.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
        for span in voiced {
            match changes.last_mut() {
                // Adjacent or overlapping labels.
                Some(end) if span.from_s <= end.t_s + JOIN_WITHIN_S => {
                    end.t_s = end.t_s.max(span.to_s);
                }
                _ => changes.extend([change(true, span.from_s), change(false, span.to_s)]),
            }
        }
        changes
    }
}

fn change(voice: bool, t_s: f64) -> Change {
    Change {
        voice,
        t_s,
        told_s: None,
    }
}

/// Times and probabilities of a CSV file `t,p,voice`; `None` for one without probabilities.
fn probabilities(path: &Path) -> Result<Option<Vec<(f64, f32)>>, ReferenceError> {
    let malformed = |position: Option<&csv::Position>| ReferenceError::Labels {
        path: path.to_owned(),
        reason: LabelError::Line {
            line: position.map_or(0, csv::Position::line),
            form: "`t,p,voice`",
        },
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| malformed(e.position()))?;
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| malformed(e.position()))?;
        let cells: Vec<&str> = row.iter().collect();
        let (t_s, p) = match cells[..] {
            [""] => continue,
            [t_s, p, _] => (t_s.parse(), p.parse()),
            _ => return Ok(None),
        };
        let (Ok(t_s), Ok(p)) = (t_s, p) else {
            return Err(malformed(row.position()));
        };
        if !(0.0..=1.0).contains(&p) {
            return Err(ReferenceError::Probability {
                path: path.to_owned(),
                line: row.position().map_or(0, csv::Position::line),
            });
        }
        rows.push((t_s, p));
    }
    Ok(Some(rows))
}

/// The probability of the row nearest in time; the times rise.
fn nearest_p(rows: &[(f64, f32)], t_s: f64) -> f32 {
    let after = rows.partition_point(|row| row.0 < t_s);
    let around = rows[after.saturating_sub(1)..rows.len().min(after + 1)].iter();
    around
        .min_by(|a, b| (a.0 - t_s).abs().total_cmp(&(b.0 - t_s).abs()))
        .map_or(0.0, |row| row.1)
}
