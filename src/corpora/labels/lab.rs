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

/// Lines `START END sing|nosing` over the whole recording.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let mut text = String::new();
    let mut at_s = 0.0;
    let mut line = |from_s: f64, to_s: f64, word: &str| {
        // Empty at the start or end of the recording where a voice begins or ends there.
        if to_s > from_s {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{from_s:.6} {to_s:.6} {word}");
        }
    };
    for &(from_s, to_s) in &voice.voices {
        line(at_s, from_s, "nosing");
        line(from_s, to_s, "sing");
        at_s = to_s;
    }
    line(at_s, voice.duration_s, "nosing");
    text
}
