//! `.lab` files of the Jamendo corpus (Ramona et al. 2008): lines `START END sing|nosing`, in seconds.
//! Stretches between lines are unknown; a recording ends with its last line.

use std::fmt::Write as _;

use super::writer::RecordingVoice;
use super::{LabelError, ROUNDING_S, Span, lines, times};

/// Parses the lines, which must be in order of time.
///
/// # Errors
/// If a line is malformed, two lines overlap, or there are none.
pub fn parse(text: &str) -> Result<Vec<Span>, LabelError> {
    let span = |(line, words): (u64, &str)| {
        let malformed = || LabelError::Line {
            line,
            form: "`START END sing|nosing`",
        };
        let mut words = words.split_whitespace();
        let (from_s, to_s) = times(&mut words).ok_or_else(malformed)?;
        let voice = match words.next() {
            Some("sing") => true,
            Some("nosing") => false,
            _ => return Err(malformed()),
        };
        Ok(Span {
            from_s,
            to_s,
            voice,
        })
    };
    let spans = lines(text).map(span).collect::<Result<Vec<_>, _>>()?;
    let overlaps = |pair: &&[Span]| pair[1].from_s < pair[0].to_s - ROUNDING_S;
    match spans.windows(2).find(overlaps) {
        _ if spans.is_empty() => Err(LabelError::Empty),
        Some(pair) => Err(LabelError::Overlap {
            at_s: pair[1].from_s,
        }),
        None => Ok(spans),
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
