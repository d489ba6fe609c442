//! Subtitles: SubRip (`.srt`) and WebVTT (`.vtt`). A cue is a label whose word is its text; a cue with words between
//! notes (`♪ words ♪`) is sung. What no cue covers is no voice.

use std::fmt::Write as _;

use super::collector::{Collector, Elsewhere, Overlap};
use super::text::seconds;
use super::writer::{RecordingVoice, clock};
use super::{LabelError, LabelFile, LabelSettings, Place};

const ARROW: &str = "-->";
const FORM: &str = "a cue (`00:00:01,000 --> 00:00:02,000`)";
/// Blocks of WebVTT that are no cues.
const OTHER_BLOCKS: [&str; 4] = ["WEBVTT", "NOTE", "STYLE", "REGION"];

/// Parses subtitles of either format.
///
/// # Errors
/// If a cue is faulty, or the text of none is a known word.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let mut block: Vec<(u64, &str)> = Vec::new();
    // An empty line ends the last block.
    for (line, content) in (1..).zip(text.lines().chain([""])) {
        if !content.trim().is_empty() {
            block.push((line, content));
            continue;
        }
        add_block(&mut labels, &block)?;
        block.clear();
    }
    labels.finish(Elsewhere::NoVoice, Overlap::Agreeing)
}

fn add_block(labels: &mut Collector, block: &[(u64, &str)]) -> Result<(), LabelError> {
    let Some(&(first_line, first)) = block.first() else {
        return Ok(());
    };
    let Some(at) = block.iter().position(|(_, text)| text.contains(ARROW)) else {
        let is_number = first.trim().parse::<u64>().is_ok();
        let is_other = OTHER_BLOCKS
            .iter()
            .any(|name| first.trim().starts_with(name));
        return match is_number || is_other {
            true => Ok(()),
            false => labels.malformed(first_line, FORM),
        };
    };
    let (line, stamps) = block[at];
    let times = stamps.split_once(ARROW).and_then(|(from, to)| {
        // Settings of WebVTT may follow the end.
        Some((seconds(from)?, seconds(to.split_whitespace().next()?)?))
    });
    let Some((from_s, to_s)) = times else {
        return labels.malformed(line, FORM);
    };
    let text: Vec<&str> = block[at + 1..]
        .iter()
        .map(|(_, text)| text.trim())
        .collect();
    let text = without_tags(&text.join(" "));
    let (place, sung) = (Place::line(line), is_sung(&text));
    match sung {
        true => labels.lyrics(place, from_s, to_s, &text),
        false => labels.label(place, from_s, to_s, &text),
    }
}

/// Words between notes.
fn is_sung(text: &str) -> bool {
    text.contains(['♪', '♫', '♬']) && text.contains(char::is_alphabetic)
}

/// A cue's text without tags of its format and without brackets around the whole.
fn without_tags(text: &str) -> String {
    let mut plain = String::new();
    let mut closing = None;
    for c in text.chars() {
        match (closing, c) {
            (Some(end), c) if c == end => closing = None,
            (Some(_), _) => {}
            (None, '<') => closing = Some('>'),
            (None, '{') => closing = Some('}'),
            (None, c) => plain.push(c),
        }
    }
    plain
        .trim()
        .trim_matches(['[', ']', '(', ')'])
        .trim()
        .to_owned()
}

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
