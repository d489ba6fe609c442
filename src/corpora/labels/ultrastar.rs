//! Note timings of UltraStar (`.txt`): a header `#KEY:VALUE`, then a line for each note.
//!
//! | line | meaning |
//! |---|---|
//! | `#BPM` | tempo; a beat of the notes is a quarter of its beat |
//! | `#GAP` | start of beat 0 in milliseconds |
//! | `#RELATIVE:YES` | beats count from the last line break |
//! | `: START LENGTH PITCH TEXT` | a sung note; `*` golden, `R` rapped, `G` rapped golden |
//! | `F START LENGTH PITCH TEXT` | a freestyle note, without a pitch: as configured |
//! | `- BEAT`, `- BEAT SHIFT` | a line break; the shift is for relative beats |
//! | `B BEAT BPM` | a change of tempo |
//! | `P1`, `P2`, `P3`, `P 1` | the notes that follow are a singer's, or both singers' |
//! | `E` | the end; lines behind it are ignored and counted |
//!
//! `#START`, `#END`, `#VIDEOGAP` and all other keys do not move the notes. A time has a voice if any singer sings.

use super::collector::{Collector, Elsewhere, Overlap};
use super::left_out::Reason;
use super::text::{lines, number};
use super::ultrastar_tempo::Tempo;
use super::{LabelError, LabelFile, LabelSettings, Place};

/// Pauses between notes shorter than this are consonants and quick breaths within a phrase.
const BRIDGED_S: f64 = 0.25;
/// Keys that show the format.
const KEYS: [&str; 5] = ["TITLE", "ARTIST", "BPM", "MP3", "AUDIO"];
const NOTE_FORM: &str = "a note (`: START LENGTH PITCH TEXT`)";

/// A note in beats.
struct Note {
    place: Place,
    start: f64,
    end: f64,
    voice: Option<bool>,
}

/// The notes of a file while it is parsed.
#[derive(Default)]
struct Song {
    /// Of each singer.
    singers: Vec<Vec<Note>>,
    changes: Vec<(f64, f64)>,
    /// Where beats count from, for relative beats.
    base: f64,
    notes_ended: bool,
}

/// Whether a text has a header of UltraStar.
pub(super) fn is_ultrastar(text: &str) -> bool {
    let mut keys = lines(text).filter_map(|(_, line)| key_of(line.trim()));
    keys.any(|(key, _)| KEYS.iter().any(|own| own.eq_ignore_ascii_case(key)))
}

/// Parses the notes of all singers.
///
/// # Errors
/// If there is no tempo or no note, or a line is faulty.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let value = |key: &'static str| {
        let headers = text.lines().filter_map(|line| key_of(line.trim()));
        let mut found = headers.filter(|(own, _)| own.eq_ignore_ascii_case(key));
        let first = found.next().map(|(_, value)| value);
        match found.all(|(_, value)| Some(value) == first) {
            true => Ok(first),
            false => Err(LabelError::SeveralValues { key }),
        }
    };
    let bpm = value("BPM")?.and_then(number).filter(|bpm| is_tempo(*bpm));
    let bpm = bpm.ok_or(LabelError::NoTempo)?;
    let gap_ms = match value("GAP")?.filter(|gap| !gap.is_empty()) {
        Some(gap) => number(gap)
            .filter(|ms| ms.is_finite())
            .ok_or(LabelError::NoGap)?,
        None => 0.0,
    };
    let is_relative = match value("RELATIVE")?.unwrap_or_default() {
        yes if yes.eq_ignore_ascii_case("yes") => true,
        no if no.is_empty() || no.eq_ignore_ascii_case("no") => false,
        _ => return Err(LabelError::NotRelative),
    };

    let mut song = Song::default();
    for (line, content) in lines(text) {
        let content = content.trim();
        if !content.starts_with('#') {
            read_line(&mut song, &mut labels, line, content, is_relative)?;
        }
    }
    let tempo = Tempo::new(bpm, gap_ms / 1000.0, song.changes);
    let mut has_notes = false;
    for notes in &song.singers {
        has_notes |= !notes.is_empty();
        add_singer(&mut labels, notes, &tempo)?;
    }
    match has_notes {
        true => labels.finish(Elsewhere::NoVoice, Overlap::Any),
        false => Err(LabelError::NoNotes),
    }
}

/// The key and the value of a header line.
fn key_of(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.strip_prefix('#')?.split_once(':')?;
    let key = key.trim();
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric());
    is_key.then_some((key, value.trim()))
}

fn is_tempo(bpm: f64) -> bool {
    bpm.is_finite() && bpm > 0.0
}

fn read_line(
    song: &mut Song,
    labels: &mut Collector,
    line: u64,
    content: &str,
    is_relative: bool,
) -> Result<(), LabelError> {
    if song.notes_ended {
        labels.left_out.count(Reason::AfterEnd);
        return Ok(());
    }
    let mut chars = content.chars();
    let Some(kind) = chars.next() else {
        return Ok(());
    };
    let mut words = chars.as_str().split_whitespace();
    let mut beat = || {
        words
            .next()
            .and_then(number)
            .filter(|beat| beat.is_finite())
    };
    match kind {
        ':' | '*' | 'R' | 'G' | 'F' => {
            let (Some(start), Some(length)) = (beat(), beat()) else {
                return labels.malformed(line, NOTE_FORM);
            };
            if song.singers.is_empty() {
                song.singers.push(Vec::new());
            }
            let start = song.base + start;
            let note = Note {
                place: Place::line(line),
                start,
                end: start + length,
                voice: match kind {
                    'F' => labels.settings.freestyle.voice(),
                    _ => Some(true),
                },
            };
            if let Some(singer) = song.singers.last_mut() {
                singer.push(note);
            }
        }
        '-' => {
            let (first, second) = (beat(), beat());
            if is_relative {
                match second.or(first) {
                    Some(shift) => song.base += shift,
                    None => return labels.malformed(line, "a line break (`- BEAT SHIFT`)"),
                }
            }
        }
        'B' => match (beat(), beat().filter(|bpm| is_tempo(*bpm))) {
            (Some(at), Some(bpm)) => song.changes.push((song.base + at, bpm)),
            _ => return labels.malformed(line, "a change of tempo (`B BEAT BPM`)"),
        },
        'P' if content[1..].trim().parse::<u8>().is_ok() => {
            song.singers.push(Vec::new());
            song.base = 0.0;
        }
        'E' if chars.as_str().trim().is_empty() => song.notes_ended = true,
        _ => return labels.malformed(line, "a note, a line break, `B`, `P` or `E`"),
    }
    Ok(())
}

/// Adds the notes of one singer; notes within a phrase are one label.
fn add_singer(labels: &mut Collector, notes: &[Note], tempo: &Tempo) -> Result<(), LabelError> {
    let mut phrase: Option<(Place, f64, f64, Option<bool>)> = None;
    for note in notes {
        let (from_s, to_s) = (tempo.seconds(note.start), tempo.seconds(note.end));
        if note.voice.is_none() {
            labels.left_out.count(Reason::Freestyle);
        }
        match &mut phrase {
            Some((_, start_s, end_s, voice))
                if *voice == note.voice
                    && (*start_s..*end_s + BRIDGED_S).contains(&from_s)
                    && to_s >= from_s =>
            {
                *end_s = end_s.max(to_s);
            }
            _ => {
                if let Some((place, from_s, to_s, voice)) = phrase.take() {
                    labels.span(place, from_s, to_s, voice)?;
                }
                phrase = Some((note.place, from_s, to_s, note.voice));
            }
        }
    }
    match phrase {
        Some((place, from_s, to_s, voice)) => labels.span(place, from_s, to_s, voice),
        None => Ok(()),
    }
}
