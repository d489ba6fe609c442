//! Timing marks of xLights (`.xtiming`): one timing track with a mark for each voice, in milliseconds.

use std::fmt::Write as _;

use super::writer::RecordingVoice;

/// The text of a timing track; xLights imports it by "Import Timing Track".
#[must_use]
pub fn write(voice: &RecordingVoice) -> String {
    let title = escaped(&voice.title);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<timing name=\"{title}\" SourceVersion=\"\">\n    <EffectLayer>\n"
    );
    for (from_s, to_s) in &voice.voices {
        let [from_ms, to_ms] = [from_s, to_s].map(|t_s| (t_s.max(0.0) * 1000.0).round() as u64);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "        <Effect label=\"voice\" startTime=\"{from_ms}\" endTime=\"{to_ms}\" />"
        );
    }
    text + "    </EffectLayer>\n</timing>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
