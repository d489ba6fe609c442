//! RWC popular music (Goto et al., ISMIR 2002): 100 songs, with AIST's annotation of vocal activity
//! (Mauch et al., ISMIR 2011), `RM-P001.VOCA_INST.TXT` and so on: a line a change, seconds and the class
//! that begins there, up to `END`.
//!
//! Split as by Gui et al.: songs whose number ends in 0 to 4 for training, 5 and 6 for validation, 7 to 9
//! for testing. The number is the last one in the file's name; in a folder of the original discs
//! (`rwc-p-m03/2.wav`) it is counted on from disc to disc.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::corpora::Split;
use crate::corpora::files::{below, sounds_below, stem, unless_faulty};
use crate::corpora::labelled::Span;
use crate::corpora::load::{Files, Item, Labels};

const SONGS: u32 = 100;
/// Songs on each disc but the last.
const DISC_SONGS: u32 = 16;
const LABEL_ENDING: &str = ".voca_inst";

pub fn split_of(song: u32) -> Split {
    match song % 10 {
        0..=4 => Split::Train,
        5..=6 => Split::Valid,
        _ => Split::Test,
    }
}

pub fn items(root: &Path, split: Split) -> Result<Vec<Item>, Vec<String>> {
    let mut faults = Vec::new();
    let mut labels: BTreeMap<u32, PathBuf> = BTreeMap::new();
    for path in below(root, &["txt"])? {
        let name = stem(&path).to_ascii_lowercase();
        if let Some(number) = name.strip_suffix(LABEL_ENDING).and_then(last_number) {
            labels.insert(number, path);
        }
    }
    let mut songs: BTreeMap<u32, PathBuf> = BTreeMap::new();
    for path in sounds_below(root)? {
        match song_number(&path) {
            None => faults.push(format!(
                "{} has no song's number in its name",
                path.display()
            )),
            Some(song) => {
                if let Some(other) = songs.insert(song, path.clone()) {
                    faults.push(format!(
                        "{} and {} are both song {song}",
                        other.display(),
                        path.display()
                    ));
                }
            }
        }
    }
    for song in labels.keys().filter(|song| !songs.contains_key(song)) {
        faults.push(format!(
            "song {song} is annotated, but its sound is not there"
        ));
    }
    let mut items = Vec::new();
    for (song, path) in songs {
        if split_of(song) != split {
            continue;
        }
        let read = match labels.get(&song) {
            None => Err(format!(
                "song {song} has no annotation (RM-P{song:03}.VOCA_INST.TXT)"
            )),
            Some(label) => std::fs::read_to_string(label)
                .map_err(|e| e.to_string())
                .and_then(|text| parse(&text))
                .map_err(|e| format!("{}: {e}", label.display())),
        };
        match read {
            Ok(spans) => items.push(Item {
                name: format!("RM-P{song:03}"),
                sound: Files::Mix(path),
                labels: Labels::Partial(spans),
            }),
            Err(fault) => faults.push(fault),
        }
    }
    unless_faulty(items, faults)
}

fn song_number(path: &Path) -> Option<u32> {
    let number = last_number(&stem(path))?;
    let folder = path.parent().map(stem).unwrap_or_default();
    let disc = folder
        .to_ascii_lowercase()
        .rsplit_once('m')
        .and_then(|(_, disc)| disc.parse::<u32>().ok());
    let song = match disc {
        Some(disc @ 1..) if number <= DISC_SONGS => (disc - 1) * DISC_SONGS + number,
        _ => number,
    };
    (1..=SONGS).contains(&song).then_some(song)
}

/// The digits at the end of a name.
fn last_number(name: &str) -> Option<u32> {
    let digits = name.len() - name.bytes().rev().take_while(u8::is_ascii_digit).count();
    name[digits..].parse().ok()
}

/// Changes of class into spans. A lead voice is `f`, `m` or `g` (female, male, a group), whatever
/// stands behind a colon; `s` is an instrument's solo, and `b`, `p`, `e` and `x` are the rest.
pub fn parse(text: &str) -> Result<Vec<Span>, String> {
    let mut spans: Vec<Span> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with("Piece No") {
            continue;
        }
        let mut words = line.split_whitespace();
        let at_s = words.next().and_then(|word| word.parse::<f64>().ok());
        let at_s = at_s
            .filter(|s| s.is_finite())
            .ok_or_else(|| format!("line {} does not begin with seconds", number + 1))?;
        if let Some(before) = spans.last_mut() {
            if at_s < before.from_s {
                return Err(format!("line {} goes back in time", number + 1));
            }
            before.to_s = at_s;
        }
        let class = words.next().unwrap_or("END").to_ascii_lowercase();
        let voice = match class.split(':').next() {
            Some("end") => return Ok(spans),
            Some("f" | "m" | "g") => true,
            Some("s" | "b" | "p" | "e" | "x") => false,
            _ => return Err(format!("line {}: `{class}` is no known class", number + 1)),
        };
        spans.push(Span {
            from_s: at_s,
            to_s: at_s,
            voice,
        });
    }
    Err("has no END: it is cut off".into())
}
