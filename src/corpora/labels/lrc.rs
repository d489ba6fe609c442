//! Lyrics with time stamps (`.lrc`).

use std::fmt::Write as _;

use super::writer::{RecordingVoice, clock};

/// A line `voice` at the start of each stretch of voice, and an empty one at its end.
pub(super) fn write(voice: &RecordingVoice) -> String {
    let title: String = voice.title.chars().filter(|c| !c.is_control()).collect();
    let length = stamp(voice.duration_s);
    let mut text = format!("[ti:{title}]\n[length:{length}]\n[re:vocald]\n");
    for &(from_s, to_s) in &voice.voices {
        // Writing to a String does not fail.
        let _ = writeln!(text, "[{}]voice\n[{}]", stamp(from_s), stamp(to_s));
    }
    text
}

fn stamp(t_s: f64) -> String {
    let (hours, minutes, seconds, ms) = clock(t_s);
    format!("{:02}:{seconds:02}.{ms:03}", hours * 60 + minutes)
}
