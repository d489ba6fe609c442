//! Songs with UltraStar note timings: `NAME.txt` beside `NAME.ogg` (or another sound file).
//!
//! `#BPM` counts in quarters of a beat, `#GAP` is the start of beat 0 in milliseconds, and a line
//! `: start length pitch text` is a sung note (`*` a golden one, `F` one without a pitch).

use std::path::Path;

use crate::corpora::CorpusSettings;
use crate::corpora::Split;
use crate::corpora::files::{below, sounds_below, split_of, stem, unknown_names, unless_faulty};
use crate::corpora::load::{Files, Item, Labels};

/// Pauses between notes shorter than this are consonants and quick breaths within a phrase.
const BRIDGED_S: f64 = 0.25;

pub fn items(
    root: &Path,
    settings: &CorpusSettings,
    split: Split,
) -> Result<Vec<Item>, Vec<String>> {
    let sounds = sounds_below(root)?;
    let mut faults = unknown_names(settings, &sounds);
    let notes = below(root, &["txt"])?;
    let mut items = Vec::new();
    for path in sounds {
        let name = stem(&path);
        if split_of(&name, settings) != Some(split) {
            continue;
        }
        let Some(notes) = notes.iter().find(|n| stem(n) == name) else {
            faults.push(format!("{name} has no note timings ({name}.txt)"));
            continue;
        };
        match read_notes(notes) {
            Ok(spans) => {
                items.push(Item {
                    name,
                    sound: Files::Mix(path),
                    labels: Labels::Spans(spans),
                });
            }
            Err(fault) => faults.push(format!("{}: {fault}", notes.display())),
        }
    }
    unless_faulty(items, faults)
}

fn read_notes(path: &Path) -> Result<Vec<(f64, f64)>, String> {
    // Old files are not always UTF-8; only the lyrics suffer.
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    parse(&String::from_utf8_lossy(&bytes))
}

/// Sung spans in seconds, in order.
pub fn parse(text: &str) -> Result<Vec<(f64, f64)>, String> {
    let header = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
        line.and_then(|value| value.trim().replace(',', ".").parse::<f64>().ok())
    };
    let bpm = header("#BPM:")
        .filter(|bpm| *bpm > 0.0)
        .ok_or("has no valid #BPM")?;
    let gap_s = header("#GAP:").unwrap_or(0.0) / 1000.0;
    if text
        .lines()
        .any(|line| line.trim().eq_ignore_ascii_case("#RELATIVE:YES"))
    {
        return Err("counts beats from line to line (#RELATIVE), which is not read here".into());
    }
    let beat_s = 60.0 / bpm / 4.0;
    let mut spans: Vec<(f64, f64)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        if !matches!(words.next(), Some(":" | "*" | "F")) {
            continue;
        }
        let beats = |word: Option<&str>| word.and_then(|w| w.parse::<i64>().ok());
        let (Some(start), Some(length)) = (beats(words.next()), beats(words.next())) else {
            return Err(format!("line {} is not a note", number + 1));
        };
        let from = gap_s + start as f64 * beat_s;
        let to = from + length.max(0) as f64 * beat_s;
        match spans.last_mut() {
            Some((_, end)) if from - *end < BRIDGED_S => *end = end.max(to),
            _ => spans.push((from, to)),
        }
    }
    if spans.is_empty() {
        Err("has no notes".into())
    } else {
        Ok(spans)
    }
}
