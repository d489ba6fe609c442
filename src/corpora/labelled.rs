//! Any folder of songs with labels beside them, in the formats `vocald detect` writes:
//!
//! - `NAME.lab` (Ramona et al. 2008, the Jamendo corpus): `START END sing|nosing` a line, seconds.
//!   What no line covers is unknown and not trained on; what lies after the last line is left out.
//! - `NAME.txt`, Audacity's labels: `START END voice` a line; elsewhere there is no voice.
//! - `NAME.csv`, `t,p,voice` or `t,voice`: a row a time, good for half the way to its neighbours.

use std::path::{Path, PathBuf};

use crate::corpora::CorpusSettings;
use crate::corpora::Split;
use crate::corpora::files::{below, sounds_below, split_of, stem, unknown_names, unless_faulty};
use crate::corpora::load::{Files, Item, Labels};

pub(super) const EXTENSIONS: [&str; 3] = ["lab", "txt", "csv"];
/// Rounding of times may leave such a hole between a line's end and the next one's start.
const ROUNDING_S: f64 = 1e-3;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    pub from_s: f64,
    pub to_s: f64,
    pub voice: bool,
}

/// Whether there is a voice, if a span says so.
pub fn voice_at(spans: &[Span], t_s: f64) -> Option<bool> {
    let covers = |s: &&Span| (s.from_s..s.to_s + ROUNDING_S).contains(&t_s);
    spans.iter().find(covers).map(|s| s.voice)
}

pub(super) fn items(
    root: &Path,
    settings: &CorpusSettings,
    split: Split,
) -> Result<Vec<Item>, Vec<String>> {
    let sounds = sounds_below(root)?;
    let mut faults = unknown_names(settings, &sounds);
    let labels = below(root, &EXTENSIONS)?;
    let mut items = Vec::new();
    for path in sounds {
        let name = stem(&path);
        if split_of(&name, settings) != Some(split) {
            continue;
        }
        match beside(&labels, &path) {
            Ok(None) => faults.push(format!("{name} has no labels ({name}.lab, .txt or .csv)")),
            Ok(Some(labels)) => items.push(Item {
                name,
                sound: Files::Mix(path),
                labels,
            }),
            Err(fault) => faults.push(fault),
        }
    }
    unless_faulty(items, faults)
}

/// What the labels of a sound say: those in its own folder, or the only ones of its name.
fn beside(labels: &[PathBuf], sound: &Path) -> Result<Option<Labels>, String> {
    let name = stem(sound);
    let in_folder = labels.iter().filter(|l| l.parent() == sound.parent());
    let in_folder: Vec<PathBuf> = in_folder.cloned().collect();
    match named(&in_folder, &name)? {
        Some(labels) => Ok(Some(labels)),
        None => named(labels, &name),
    }
}

/// What the one file of labels called `name` says, if there is one.
pub(super) fn named(labels: &[PathBuf], name: &str) -> Result<Option<Labels>, String> {
    let found: Vec<_> = labels.iter().filter(|l| stem(l) == name).collect();
    match found[..] {
        [] => Ok(None),
        [labels] => read(labels)
            .map(Some)
            .map_err(|e| format!("{}: {e}", labels.display())),
        _ => Err(format!("{name} has several files of labels; leave one")),
    }
}

fn read(path: &Path) -> Result<Labels, String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match extension.to_ascii_lowercase().as_str() {
        "lab" => parse_lab(&text).map(Labels::Partial),
        "csv" => parse_csv(&text).map(Labels::Partial),
        _ => parse_audacity(&text).map(Labels::Spans),
    }
}

/// The labels of a file as spans; Audacity's hold nothing but voices.
pub fn read_spans(path: &Path) -> Result<Vec<Span>, String> {
    Ok(match read(path)? {
        Labels::Partial(spans) => spans,
        Labels::Spans(voices) => voices
            .into_iter()
            .map(|(from_s, to_s)| Span {
                from_s,
                to_s,
                voice: true,
            })
            .collect(),
        _ => Vec::new(),
    })
}

/// Lines of `START END WORD`, in order of time.
pub fn parse_lab(text: &str) -> Result<Vec<Span>, String> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty());
    let span = |(number, line): (usize, &str)| {
        let fault = || format!("line {} is not `START END sing|nosing`", number + 1);
        let mut words = line.split_whitespace();
        let (from_s, to_s) = times(&mut words).ok_or_else(fault)?;
        let voice = match words.next() {
            Some("sing") => true,
            Some("nosing") => false,
            _ => return Err(fault()),
        };
        Ok(Span {
            from_s,
            to_s,
            voice,
        })
    };
    let spans = lines.map(span).collect::<Result<Vec<_>, String>>()?;
    match spans
        .windows(2)
        .find(|w| w[1].from_s < w[0].to_s - ROUNDING_S)
    {
        _ if spans.is_empty() => Err("is empty".into()),
        Some(w) => Err(format!("two labels cover {} s", w[1].from_s)),
        None => Ok(spans),
    }
}

/// Audacity's labels: every one is a voice, whatever its name but `nosing`.
fn parse_audacity(text: &str) -> Result<Vec<(f64, f64)>, String> {
    let mut spans = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // A line that begins with a backslash holds a label's frequencies.
        if line.trim().is_empty() || line.starts_with('\\') {
            continue;
        }
        let mut words = line.split_whitespace();
        let span = times(&mut words)
            .ok_or_else(|| format!("line {} is not `START END LABEL`", number + 1))?;
        if words.next() != Some("nosing") {
            spans.push(span);
        }
    }
    Ok(spans)
}

/// Rows of a time and, in the last column, 0 or 1.
pub fn parse_csv(text: &str) -> Result<Vec<Span>, String> {
    let rows = text.lines().enumerate().skip(1);
    let rows = rows.filter(|(_, l)| !l.trim().is_empty()).map(|(n, line)| {
        let fault = || format!("line {} is not `t,p,voice` or `t,voice`", n + 1);
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let t_s = cells[0].parse::<f64>().ok().filter(|t| t.is_finite());
        let voice = match (cells.len(), cells.last()) {
            (2 | 3, Some(&"1")) => true,
            (2 | 3, Some(&"0")) => false,
            _ => return Err(fault()),
        };
        Ok((t_s.ok_or_else(fault)?, voice))
    });
    let rows = rows.collect::<Result<Vec<(f64, bool)>, String>>()?;
    if rows.len() < 2 || !rows.is_sorted_by(|a, b| a.0 < b.0) {
        return Err("holds fewer than two rows, or their times do not rise".into());
    }
    let middle = |i: usize| f64::midpoint(rows[i].0, rows[i + 1].0);
    let last = rows.len() - 1;
    Ok((0..=last)
        .map(|i| Span {
            from_s: if i == 0 { 0.0 } else { middle(i - 1) },
            to_s: if i == last { f64::INFINITY } else { middle(i) },
            voice: rows[i].1,
        })
        .collect())
}

/// Seconds from and to, of which the second is not the smaller.
fn times<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<(f64, f64)> {
    let mut next = || words.next()?.parse::<f64>().ok().filter(|t| t.is_finite());
    let (from_s, to_s) = (next()?, next()?);
    (from_s <= to_s).then_some((from_s, to_s))
}
