//! `.lab` files: lines `START END WORD`, in seconds; the Jamendo corpus (Ramona et al. 2008) has `sing` and
//! `nosing`. Stretches between lines are unlabelled; a recording ends with its last line.

use std::fmt::Write as _;

use super::collector::{Collector, Elsewhere, Overlap};
use super::text::{seconds, uncommented};
use super::writer::RecordingVoice;
use super::{LabelError, LabelFile, LabelSettings, Place};

const FORM: &str = "`START END sing|nosing`";

/// Parses the lines.
///
/// # Errors
/// If a line is faulty, two lines overlap, or there are none.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let mut is_empty = true;
    for (line, content) in uncommented(text) {
        is_empty = false;
        let mut words = content.split_whitespace();
        let mut time = || words.next().and_then(seconds);
        let (Some(from_s), Some(to_s)) = (time(), time()) else {
            labels.malformed(line, FORM)?;
            continue;
        };
        let word: Vec<&str> = words.collect();
        match word[..] {
            [] => labels.malformed(line, FORM)?,
            _ => labels.label(Place::line(line), from_s, to_s, &word.join(" "))?,
        }
    }
    match is_empty {
        true => Err(LabelError::Empty),
        false => labels.finish(Elsewhere::Unlabelled, Overlap::Never),
    }
}

/// Lines `START END sing|nosing` over the whole recording; `speech` where somebody speaks and nobody sings.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let mut text = String::new();
    let mut at_s = 0.0;
    for &(from_s, to_s) in &voice.voices {
        pause(&mut text, voice, at_s, from_s);
        line(&mut text, from_s, to_s, "sing");
        at_s = to_s;
    }
    pause(&mut text, voice, at_s, voice.duration_s);
    text
}

/// The lines of a time in which nobody sings.
fn pause(text: &mut String, voice: &RecordingVoice, from_s: f64, to_s: f64) {
    let mut at_s = from_s;
    for &(start_s, end_s) in voice.speech.iter().flatten() {
        let (start_s, end_s) = (start_s.max(at_s), end_s.min(to_s));
        if end_s > start_s {
            line(text, at_s, start_s, "nosing");
            line(text, start_s, end_s, "speech");
            at_s = end_s;
        }
    }
    line(text, at_s, to_s, "nosing");
}

/// A line, unless it is empty: a voice may begin or end with the recording.
fn line(text: &mut String, from_s: f64, to_s: f64, word: &str) {
    if to_s > from_s {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{from_s:.6} {to_s:.6} {word}");
    }
}
