//! Subtitles: SubRip (`.srt`) and WebVTT (`.vtt`), a cue for each stretch of voice.

use std::fmt::Write as _;

use super::writer::{RecordingVoice, clock};

/// SubRip, a cue `voice` for each stretch of voice.
pub(super) fn write_srt(voice: &RecordingVoice) -> String {
    let mut text = String::new();
    for (number, &(from_s, to_s)) in (1..).zip(&voice.voices) {
        let (from, to) = (stamp(from_s, ','), stamp(to_s, ','));
        // Writing to a String does not fail.
        let _ = writeln!(text, "{number}\n{from} --> {to}\nvoice\n");
    }
    text
}

/// WebVTT, likewise.
pub(super) fn write_vtt(voice: &RecordingVoice) -> String {
    let mut text = String::from("WEBVTT\n\n");
    for &(from_s, to_s) in &voice.voices {
        let (from, to) = (stamp(from_s, '.'), stamp(to_s, '.'));
        let _ = writeln!(text, "{from} --> {to}\nvoice\n");
    }
    text
}

fn stamp(t_s: f64, point: char) -> String {
    let (hours, minutes, seconds, ms) = clock(t_s);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}")
}
