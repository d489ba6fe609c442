//! The JSON of `vocald detect`: voices are from an `onset` to its `offset`; everything else is no voice.

use serde::Deserialize;

use super::collector::{Collector, Elsewhere, Overlap};
use super::{LabelError, LabelFile, LabelSettings, Place};

/// The version of the format.
const VERSION: u64 = 1;

#[derive(Deserialize)]
struct Detected {
    v: Option<u64>,
    events: Vec<Event>,
    #[serde(default)]
    decisions: Vec<Decision>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: Kind,
    t: f64,
}

#[derive(Deserialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Onset,
    Offset,
}

#[derive(Deserialize)]
struct Decision {
    t: f64,
    p: f32,
}

/// Parses the events.
///
/// # Errors
/// If it is not the JSON of `vocald detect`, or an onset has no offset.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let wrong = |reason: String| LabelError::Format {
        form: "the JSON of `vocald detect`",
        reason,
    };
    let detected: Detected = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
    if let Some(version) = detected.v.filter(|&version| version != VERSION) {
        return Err(wrong(format!("its version is {version}, not {VERSION}")));
    }
    for (number, pair) in (1..).zip(detected.events.chunks(2)) {
        let place = Place {
            unit: "voice",
            number,
        };
        match pair {
            [onset, offset] if (onset.kind, offset.kind) == (Kind::Onset, Kind::Offset) => {
                labels.span(place, onset.t, offset.t, Some(true))?;
            }
            _ => return Err(wrong(format!("{place} is not an onset and its offset"))),
        }
    }
    let mut file = labels.finish(Elsewhere::NoVoice, Overlap::Never)?;
    let decisions = &detected.decisions;
    if !decisions.is_empty() && decisions.is_sorted_by(|a, b| a.t < b.t) {
        file.p = Some(decisions.iter().map(|d| (d.t, d.p)).collect());
    }
    Ok(file)
}
