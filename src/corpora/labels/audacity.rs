//! Label tracks of Audacity (`.txt`): lines `START END WORD`, in seconds, with decimal points or commas. What no
//! label covers is no voice. An empty file has no voice.

use std::fmt::Write as _;

use super::collector::{Collector, Elsewhere, Overlap};
use super::text::{seconds, uncommented};
use super::writer::RecordingVoice;
use super::{LabelError, LabelFile, LabelSettings, Place};

/// Parses the labels, which may be in any order.
///
/// # Errors
/// If a line is faulty, or labels contradict each other.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    // A line that begins with a backslash holds the frequencies of the label before it.
    let lines = uncommented(text).filter(|(_, line)| !line.trim_start().starts_with('\\'));
    for (line, content) in lines {
        let parts: Vec<&str> = match content.contains('\t') {
            true => content.trim_start().split('\t').collect(),
            false => content.split_whitespace().collect(),
        };
        match (time(&parts, 0), time(&parts, 1)) {
            (Some(from_s), Some(to_s)) => {
                let word = parts[2..].join(" ");
                labels.label(Place::line(line), from_s, to_s, &word)?;
            }
            _ => labels.malformed(line, "`START END LABEL`")?,
        }
    }
    labels.finish(Elsewhere::NoVoice, Overlap::Agreeing)
}

fn time(parts: &[&str], index: usize) -> Option<f64> {
    parts.get(index).and_then(|part| seconds(part))
}

/// A label `voice` for each stretch of voice, and `speech` for each of speech, in order of their starts.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let voices = voice.voices.iter().map(|&span| (span, "voice"));
    let speech = voice.speech.iter().flatten().map(|&span| (span, "speech"));
    let mut labels: Vec<_> = voices.chain(speech).collect();
    labels.sort_by(|((a, _), _), ((b, _), _)| a.total_cmp(b));
    let mut text = String::new();
    for ((from_s, to_s), word) in labels {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{from_s:.6}\t{to_s:.6}\t{word}");
    }
    text
}
