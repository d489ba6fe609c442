//! Vocal activity of RWC popular music, `RM-P001.VOCA_INST.TXT` (Mauch et al., ISMIR 2011): a line for each change,
//! with seconds and the class that begins there, up to `e` or `END`.
//!
//! | class | meaning | label |
//! |---|---|---|
//! | `f`, `m`, `g` | lead voice of a woman, of a man, of a group; `:withm` and the like name a second voice | voice |
//! | `s:INSTRUMENT` | an instrument's solo | no voice |
//! | `b` | background: none of the other classes | no voice |
//! | `p` | percussion alone | no voice |
//! | `n` | no sound | no voice |
//! | `x` | in some editions: no voice | no voice |
//! | `e`, `END` in the last line | end of the song | – |
//! | anything else: `r`, `unknown`, numbers, typing errors, `e` in another line | undefined | unknown: left out and counted |

use super::collector::{Collector, Elsewhere, Overlap};
use super::text::{seconds, uncommented};
use super::{Fault, LabelError, LabelFile, LabelSettings, Place};

/// A change of class.
struct Change {
    place: Place,
    at_s: f64,
    voice: Option<bool>,
}

/// Parses the changes.
///
/// # Errors
/// If a line is faulty or goes back in time, or the end is missing.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let mut open: Option<Change> = None;
    let mut rest = uncommented(text).peekable();
    while let Some((line, content)) = rest.next() {
        let content = content.trim();
        if content.starts_with("Piece No") {
            continue;
        }
        let place = Place::line(line);
        let (time, class) = content
            .split_once(char::is_whitespace)
            .unwrap_or((content, "END"));
        let Some(at_s) = seconds(time) else {
            labels.malformed(line, "`SECONDS CLASS`")?;
            continue;
        };
        if open.as_ref().is_some_and(|open| at_s < open.at_s) {
            labels.fault(place, Fault::Backwards)?;
            continue;
        }
        // A class that ends where it begins has no effect.
        if let Some(open) = open.take().filter(|open| at_s != open.at_s) {
            labels.span(open.place, open.at_s, at_s, open.voice)?;
        }
        let class = class.trim().to_lowercase();
        if rest.peek().is_none() && matches!(class.as_str(), "e" | "end") {
            return labels.finish(Elsewhere::Unlabelled, Overlap::Agreeing);
        }
        let voice = labels
            .vocabulary
            .configured(&class)
            .or_else(|| voice(&class));
        if voice.is_none() {
            labels.left_out.word(&class);
        }
        open = Some(Change { place, at_s, voice });
    }
    match open {
        // What follows is unknown in any case.
        Some(Change { voice: None, .. }) => labels.finish(Elsewhere::Unlabelled, Overlap::Agreeing),
        Some(Change { place, at_s, .. }) => {
            if labels.settings.faulty != super::FaultyLabels::SkipLines {
                return Err(LabelError::NoEnd);
            }
            labels.open_end(place, at_s, None)?;
            labels.finish(Elsewhere::Unlabelled, Overlap::Agreeing)
        }
        None => Err(LabelError::Empty),
    }
}

fn voice(class: &str) -> Option<bool> {
    match class.split(':').next()?.trim() {
        "f" | "m" | "g" => Some(true),
        "s" | "b" | "p" | "n" | "x" => Some(false),
        _ => None,
    }
}
