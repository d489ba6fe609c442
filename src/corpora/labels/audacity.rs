//! Label tracks of Audacity (`.txt`): lines `START END NAME`, in seconds. Every label is a voice unless its
//! name is `nosing`; everything else is without a voice.

use std::fmt::Write as _;

use super::writer::RecordingVoice;
use super::{LabelError, lines, times};

/// Parses the start and the end of each voice, in seconds.
///
/// # Errors
/// If a line does not begin with two times.
pub fn parse(text: &str) -> Result<Vec<(f64, f64)>, LabelError> {
    let mut voices = Vec::new();
    // A line that begins with a backslash holds a label's frequencies.
    for (line, words) in lines(text).filter(|(_, line)| !line.starts_with('\\')) {
        let mut words = words.split_whitespace();
        let voice = times(&mut words).ok_or(LabelError::Line {
            line,
            form: "`START END LABEL`",
        })?;
        if words.next() != Some("nosing") {
            voices.push(voice);
        }
    }
    Ok(voices)
}

/// A label `voice` for each stretch of voice.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let mut text = String::new();
    for (from_s, to_s) in &voice.voices {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{from_s:.6}\t{to_s:.6}\tvoice");
    }
    text
}
