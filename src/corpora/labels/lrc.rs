//! Lyrics with time stamps (`.lrc`): `[mm:ss.xx]words`, or with a stamp for each word, `<mm:ss.xx>` (the A2 extension).
//!
//! `[bg:<mm:ss.xx>words<mm:ss.xx>]` is a second voice behind the line before it.
//!
//! A line lasts up to the next stamp, be it of an empty line, which is a pause. Stamps within a line tell where its
//! words begin, and the last one, behind the words, where they end. Lyrics that state no ends are refused.

use std::fmt::Write as _;

use super::collector::{Collector, Elsewhere, Overlap};
use super::text::{lines, seconds};
use super::writer::{RecordingVoice, clock};
use super::{LabelError, LabelFile, LabelSettings, Place};

/// Tags that hold no lyrics, behind whose values more text may follow.
const TAGS: [&str; 13] = [
    "ti", "ar", "al", "au", "lr", "length", "by", "offset", "re", "tool", "ve", "la", "lang",
];
/// The tag of a second voice.
const BACKGROUND: &str = "bg";
const FORM: &str = "`[mm:ss.xx]words`";

/// A line of lyrics at one of its stamps, in seconds.
struct Sung {
    place: Place,
    from_s: f64,
    /// Without stamps.
    text: String,
    /// Starts of the words, if they are stamped; the end of the last one too if `is_closed`.
    words_s: Vec<f64>,
    is_closed: bool,
}

impl Sung {
    /// No letter: the line is a pause.
    fn is_pause(&self) -> bool {
        !self.text.contains(char::is_alphanumeric)
    }
}

/// Parses lyrics.
///
/// # Errors
/// If a stamp is faulty, or the ends of lines are unknown.
pub fn parse(text: &str, settings: &LabelSettings) -> Result<LabelFile, LabelError> {
    let mut labels = Collector::new(settings)?;
    let mut offset_s = 0.0;
    let (mut sung, mut background): (Vec<Sung>, Vec<Sung>) = Default::default();
    for (line, content) in lines(text) {
        let place = Place::line(line);
        let mut rest = content.trim();
        let mut stamps = Vec::new();
        // The key of a tag.
        let mut tag_key = None;
        while let Some((tag, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            match (stamp_s(tag), tag.split_once(':')) {
                (Some(t_s), _) => stamps.push(t_s),
                (None, Some((key, value))) if stamps.is_empty() && is_key(key) => {
                    let key = key.trim().to_lowercase();
                    match key.as_str() {
                        "offset" => match value.trim().parse::<f64>() {
                            Ok(ms) if ms.is_finite() => offset_s = ms / 1000.0,
                            _ => labels.malformed(line, "an offset in milliseconds")?,
                        },
                        BACKGROUND => match background_line(place, value) {
                            Some(sung) => background.push(sung),
                            None => labels.malformed(line, "`[bg:<mm:ss.xx>words<mm:ss.xx>]`")?,
                        },
                        _ => {}
                    }
                    tag_key = Some(key);
                }
                // A bracket within the words.
                _ => break,
            }
            rest = after.trim_start();
        }
        let is_tag = tag_key.is_some_and(|key| rest.is_empty() || TAGS.contains(&&*key));
        if stamps.is_empty() && !is_tag {
            labels.malformed(line, FORM)?;
        }
        sung.extend(
            stamps
                .into_iter()
                .map(|from_s| line_at(place, from_s, rest)),
        );
    }
    if sung.is_empty() && background.is_empty() {
        return match labels.left_out.counts.is_empty() && text.trim().is_empty() {
            true => Err(LabelError::Empty),
            // Tags alone: no line is sung.
            false => labels.finish(Elsewhere::NoVoice, Overlap::Any),
        };
    }
    sung.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    if !states_pauses(&sung) {
        return Err(LabelError::NoEnds);
    }
    let all = sung.iter().chain(&background);
    for line in all.filter(|line| !line.is_pause()) {
        let next = sung.partition_point(|other| other.from_s <= line.from_s);
        let next_s = sung.get(next).map(|next| next.from_s);
        add(&mut labels, line, next_s, offset_s)?;
    }
    labels.finish(Elsewhere::NoVoice, Overlap::Any)
}

/// Whether a text may be the key of a tag rather than a stamp that is spoilt.
fn is_key(key: &str) -> bool {
    let key = key.trim();
    key.starts_with('#')
        || !key.is_empty()
            && key.chars().all(|c| c.is_alphanumeric() || c == ' ')
            && key.starts_with(char::is_alphabetic)
}

/// The words of a second voice, each of which has a stamp.
fn background_line(place: Place, content: &str) -> Option<Sung> {
    let content = content.trim();
    let (first, _) = content.strip_prefix('<')?.split_once('>')?;
    Some(line_at(place, stamp_s(first)?, content))
}

/// The line `content` at a stamp.
fn line_at(place: Place, from_s: f64, content: &str) -> Sung {
    let mut line = Sung {
        place,
        from_s,
        text: String::new(),
        words_s: Vec::new(),
        is_closed: false,
    };
    let mut rest = content;
    while let Some(at) = rest.find(['<', '[']) {
        let closing = if rest[at..].starts_with('<') {
            '>'
        } else {
            ']'
        };
        let inside = &rest[at + 1..];
        let stamped = inside.split_once(closing);
        let stamped = stamped.and_then(|(tag, after)| Some((stamp_s(tag)?, after)));
        let Some((t_s, after)) = stamped else {
            line.text.push_str(&rest[..=at]);
            rest = inside;
            continue;
        };
        line.text.push_str(&rest[..at]);
        // Words before the first stamp within the line begin with the line.
        if line.words_s.is_empty() && !line.is_pause() {
            line.words_s.push(from_s);
        }
        line.words_s.push(t_s);
        line.is_closed = after.trim().is_empty();
        rest = after;
    }
    line.text.push_str(rest);
    line
}

/// Whether the lyrics tell where lines end: lines with stamped words, or empty lines. An empty line at the very end
/// says nothing about the pauses between the lines before it.
fn states_pauses(sung: &[Sung]) -> bool {
    let plain = sung
        .iter()
        .filter(|line| !line.is_pause() && line.words_s.is_empty());
    let closed =
        |pair: &&[Sung]| !pair[0].is_pause() && pair[0].words_s.is_empty() && pair[1].is_pause();
    let closed_lines = sung.windows(2).filter(closed).count();
    match plain.count() {
        0 => true,
        1 => closed_lines == 1,
        _ => closed_lines > usize::from(sung.last().is_some_and(Sung::is_pause)),
    }
}

fn add(
    labels: &mut Collector,
    line: &Sung,
    next_s: Option<f64>,
    offset_s: f64,
) -> Result<(), LabelError> {
    // A positive offset brings the words forward.
    let at = |t_s: f64| (t_s - offset_s).max(0.0);
    let next_s = next_s.map(at);
    match (&line.words_s[..], next_s) {
        (&[first_s, .., last_s], _) => {
            labels.lyrics(line.place, at(first_s), at(last_s), &line.text)?;
            match line.is_closed {
                true => Ok(()),
                false => labels.open_end(line.place, at(last_s), next_s),
            }
        }
        (&[only_s], _) => labels.open_end(line.place, at(only_s), next_s),
        ([], Some(to_s)) => labels.lyrics(line.place, at(line.from_s), to_s, &line.text),
        ([], None) => labels.open_end(line.place, at(line.from_s), None),
    }
}

/// A time stamp `mm:ss`, `mm:ss.xx`, `mm:ss:xx` or `hh:mm:ss.xx`.
fn stamp_s(tag: &str) -> Option<f64> {
    let parts: Vec<&str> = tag.trim().split(':').collect();
    if !parts
        .iter()
        .all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
    {
        return None;
    }
    match parts[..] {
        [_, _] => seconds(tag),
        // Hundredths behind a colon.
        [minutes, whole, hundredths] if hundredths.len() == 2 => {
            seconds(&format!("{minutes}:{whole}.{hundredths}"))
        }
        [_, _, _] => seconds(tag),
        _ => None,
    }
}

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
