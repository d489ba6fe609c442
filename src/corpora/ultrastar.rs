//! Songs with UltraStar note timings: `NAME.txt` beside `NAME.ogg` (or another sound file).
//!
//! `#BPM` counts quarters of a beat, `#GAP` is the start of beat 0 in milliseconds, and a line
//! `: start length pitch text` is a sung note (`*` a golden one, `F` one without a pitch).

use std::path::{Path, PathBuf};

use crate::corpora::error::all_or_errors;
use crate::corpora::files::{SplitSounds, below, stem};
use crate::corpora::item::{Files, Item, Items};
use crate::corpora::labels::{LabelError, Labels, lines};
use crate::corpora::{CorpusProblem, CorpusSettings, Split};

/// Pauses between notes shorter than this are consonants and quick breaths within a phrase.
const BRIDGED_S: f64 = 0.25;

pub(super) fn items(root: &Path, settings: &CorpusSettings, split: Split) -> Items {
    let SplitSounds { sounds, problems } = SplitSounds::below(root, settings, split)?;
    let notes = below(root, &["txt"])?;
    let item = |(name, path): (String, PathBuf)| {
        let Some(notes) = notes.iter().find(|notes| stem(notes) == name) else {
            return Err(CorpusProblem::NoLabels {
                expected: format!("note timings ({name}.txt)"),
                track: name,
            });
        };
        let voices = read_notes(notes).map_err(|reason| CorpusProblem::Labels {
            path: notes.clone(),
            reason,
        })?;
        Ok(Item {
            name,
            files: Files::Mix(path),
            labels: Labels::Voices(voices),
        })
    };
    all_or_errors(problems, sounds.into_iter().map(item))
}

fn read_notes(path: &Path) -> Result<Vec<(f64, f64)>, LabelError> {
    // Old files are not always UTF-8; only the lyrics suffer.
    parse(&String::from_utf8_lossy(&std::fs::read(path)?))
}

/// Start and end of each sung phrase in seconds, in order of time.
fn parse(text: &str) -> Result<Vec<(f64, f64)>, LabelError> {
    let header = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
        line.and_then(|value| value.trim().replace(',', ".").parse::<f64>().ok())
    };
    let bpm = header("#BPM:")
        .filter(|bpm| *bpm > 0.0)
        .ok_or(LabelError::NoTempo)?;
    let gap_s = header("#GAP:").unwrap_or(0.0) / 1000.0;
    if text
        .lines()
        .any(|line| line.trim().eq_ignore_ascii_case("#RELATIVE:YES"))
    {
        return Err(LabelError::Relative);
    }
    let beat_s = 60.0 / bpm / 4.0;
    let mut spans: Vec<(f64, f64)> = Vec::new();
    for (line, words) in lines(text) {
        let mut words = words.split_whitespace();
        if !matches!(words.next(), Some(":" | "*" | "F")) {
            continue;
        }
        let beats = |word: Option<&str>| word.and_then(|w| w.parse::<i64>().ok());
        let (Some(start), Some(length)) = (beats(words.next()), beats(words.next())) else {
            return Err(LabelError::Line {
                line,
                form: "a note",
            });
        };
        let from = gap_s + start as f64 * beat_s;
        let to = from + length.max(0) as f64 * beat_s;
        match spans.last_mut() {
            Some((_, end)) if from - *end < BRIDGED_S => *end = end.max(to),
            _ => spans.push((from, to)),
        }
    }
    if spans.is_empty() {
        Err(LabelError::NoNotes)
    } else {
        Ok(spans)
    }
}
