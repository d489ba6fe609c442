//! TextGrids of Praat.

use std::fmt::Write as _;

use super::writer::RecordingVoice;

/// A long TextGrid with one interval tier, `voice`: intervals `voice`, and empty ones between them.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let end_s = voice.voices.last().map_or(0.0, |last| last.1);
    let end_s = end_s.max(voice.duration_s);
    let mut intervals: Vec<(f64, f64, &str)> = Vec::new();
    let mut at_s = 0.0;
    for &(from_s, to_s) in &voice.voices {
        if from_s > at_s {
            intervals.push((at_s, from_s, ""));
        }
        intervals.push((from_s, to_s, "voice"));
        at_s = to_s;
    }
    if end_s > at_s || intervals.is_empty() {
        intervals.push((at_s, end_s, ""));
    }
    let mut text = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {end_s:.6}\ntiers? <exists>\n\
         size = 1\nitem []:\n    item [1]:\n        class = \"IntervalTier\"\n        name = \"voice\"\n        \
         xmin = 0\n        xmax = {end_s:.6}\n        intervals: size = {}\n",
        intervals.len()
    );
    for (number, (from_s, to_s, label)) in (1..).zip(intervals) {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "        intervals [{number}]:\n            xmin = {from_s:.6}\n            xmax = {to_s:.6}\n            \
             text = \"{label}\""
        );
    }
    text
}
