//! Another detector's label files for the same tracks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::corpora::files::{below, stem};
use crate::corpora::labels::{Span, read_spans, voice_at};
use crate::corpora::sentences;
use crate::evaluation::decide::{Change, Decided};
use crate::evaluation::grid::Grid;

/// A detector that is known by its labels alone.
pub struct ReferenceSystem {
    pub name: String,
    tracks: BTreeMap<String, Labels>,
}

struct Labels {
    spans: Vec<Span>,
    /// Time and probability, in a CSV that has both.
    p: Option<Vec<(f64, f32)>>,
}

/// A rival's answer for one track.
pub struct Answer {
    pub decided: Decided,
    /// A value a window, where its labels hold probabilities.
    pub p: Option<Vec<f32>>,
}

impl ReferenceSystem {
    /// Reads `TRACK.lab`, Audacity's `TRACK.txt` or `TRACK.csv` below a folder for every track
    /// named. The error names every track whose labels are missing or cannot be read.
    pub fn read(folder: &Path, tracks: &[&str]) -> Result<Self, Vec<String>> {
        let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for path in below(folder, &["lab", "txt", "csv"]).map_err(sentences)? {
            files.entry(stem(&path)).or_default().push(path);
        }
        let read = |name: &str| match files.get(name).map(Vec::as_slice) {
            None | Some([]) => Err(format!(
                "{} holds no labels for {name} ({name}.lab, .txt or .csv)",
                folder.display()
            )),
            Some([path]) => Labels::read(path).map_err(|e| format!("{}: {e}", path.display())),
            Some(_) => Err(format!(
                "{} holds several files of labels for {name}; leave one",
                folder.display()
            )),
        };
        let mut found = BTreeMap::new();
        let mut faults = Vec::new();
        for &name in tracks {
            match read(name) {
                Ok(labels) => _ = found.insert(name.to_owned(), labels),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            tracks: found,
        })
    }

    /// What it says at the times of our decisions; where its labels say nothing there is no voice.
    /// Its changes are those of its labels, wherever they lie among these times.
    pub fn answer(&self, track: &str, windows: usize, grid: Grid) -> Option<Answer> {
        let labels = self.tracks.get(track)?;
        let times = || (0..windows).map(|window| grid.time_s(window));
        let voice = times()
            .map(|t| voice_at(&labels.spans, t) == Some(true))
            .collect();
        let p = labels
            .p
            .as_ref()
            .map(|p| times().map(|t| p_at(p, t)).collect());
        let changes = labels.changes();
        let (first_s, last_s) = (grid.time_s(0), grid.time_s(windows.saturating_sub(1)));
        let mut inside: Vec<Change> = changes
            .iter()
            .copied()
            .filter(|c| (first_s..=last_s).contains(&c.t_s))
            .collect();
        // A voice it already hears at the first decision begins there, as ours does.
        let before = changes.iter().rfind(|c| c.t_s < first_s);
        if before.is_some_and(|c| c.voice) {
            let onset = Change {
                voice: true,
                t_s: first_s,
                told_s: None,
            };
            inside.insert(0, onset);
        }
        Some(Answer {
            decided: Decided {
                voice,
                changes: inside,
            },
            p,
        })
    }
}

impl Labels {
    fn read(path: &Path) -> Result<Self, String> {
        let spans = read_spans(path).map_err(|e| e.to_string())?;
        let is_csv = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        let p = match is_csv {
            true => probabilities(&std::fs::read_to_string(path).map_err(|e| e.to_string())?)?,
            false => None,
        };
        Ok(Self { spans, p })
    }

    /// Where the voice comes in and goes out.
    fn changes(&self) -> Vec<Change> {
        let change = |voice, t_s| Change {
            voice,
            t_s,
            told_s: None,
        };
        let mut changes: Vec<Change> = Vec::new();
        let mut voiced: Vec<&Span> = self.spans.iter().filter(|s| s.voice).collect();
        voiced.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
        for span in voiced {
            match changes.last_mut() {
                // It goes on, or is labelled twice.
                Some(end) if span.from_s <= end.t_s + JOINED_S => end.t_s = end.t_s.max(span.to_s),
                _ => changes.extend([change(true, span.from_s), change(false, span.to_s)]),
            }
        }
        changes
    }
}

/// Spans that rounding has parted are one.
const JOINED_S: f64 = 1e-3;

/// The `p` of every row of a CSV `t,p,voice`, whose times rise; `None` of one without.
fn probabilities(text: &str) -> Result<Option<Vec<(f64, f32)>>, String> {
    let rows = text.lines().enumerate().skip(1);
    let rows = rows.filter(|(_, line)| !line.trim().is_empty());
    let mut found = Vec::new();
    for (number, line) in rows {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let [t, p, _] = cells[..] else {
            return Ok(None);
        };
        let (Ok(t), Ok(p)) = (t.parse(), p.parse()) else {
            return Err(format!("line {} is not `t,p,voice`", number + 1));
        };
        if !(0.0..=1.0).contains(&p) {
            return Err(format!("line {} has a p beyond 0 to 1", number + 1));
        }
        found.push((t, p));
    }
    Ok(Some(found))
}

/// The probability of the row nearest in time.
fn p_at(rows: &[(f64, f32)], t_s: f64) -> f32 {
    let after = rows.partition_point(|row| row.0 < t_s);
    let around = rows[after.saturating_sub(1)..rows.len().min(after + 1)].iter();
    around
        .min_by(|a, b| (a.0 - t_s).abs().total_cmp(&(b.0 - t_s).abs()))
        .map_or(0.0, |row| row.1)
}
