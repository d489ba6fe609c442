//! What the index of an MP4 file states and Symphonia does not tell: the edit list, which is the part of a track that is
//! presented and cuts off the encoder's delay and padding; the audio track that players choose; the order of bytes.

use std::io::{Read as _, Seek as _, SeekFrom};

use symphonia::core::units::TimeBase;

use super::containers::Known;
use super::failure::Failure;
use super::input::Input;
use super::packets::Span;

/// Bytes of the index that are read at most: ten hours of video have 32 MiB.
const MAX_INDEX_BYTES: u64 = 64 << 20;
/// Boxes on the top level that are looked at.
const MAX_BOXES: usize = 10_000;

/// Kinds of PCM in QuickTime whose order of bytes an `enda` box states, big-endian without one.
const EITHER_ENDIAN: [&[u8]; 4] = [b"in24", b"in32", b"fl32", b"fl64"];

/// What is presented of an audio track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edits {
    /// Silence before the sound.
    pub silence: Option<Span>,
    /// Media time of the first sound, in the track's time scale.
    pub start: u64,
    /// Media time of the end, if there is one.
    pub end: Option<u64>,
    /// Unit of media time.
    pub base: TimeBase,
    /// Parts of the edit list that show the media, if more than one.
    pub parts: usize,
}

/// Looks for the index of a file and goes back to its start.
pub(super) fn known(input: &mut Input) -> Result<Known, Failure> {
    let mut index = Vec::new();
    let size = find_index(input)?.unwrap_or(0);
    input
        .take(size.min(MAX_INDEX_BYTES))
        .read_to_end(&mut index)?;
    let index_is_cut = size > MAX_INDEX_BYTES && index.len() as u64 == MAX_INDEX_BYTES;
    input.seek(SeekFrom::Start(0))?;
    let is_sound = |track: &&[u8]| {
        let handler = path(track, &[b"mdia", b"hdlr"]);
        handler.and_then(|h| h.get(8..12)) == Some(b"soun")
    };
    let tracks = children(&index).filter(|(name, _)| name == b"trak");
    let sounds: Vec<&[u8]> = tracks.map(|(_, track)| track).filter(is_sound).collect();
    let chosen = sounds
        .iter()
        .find(|track| is_enabled(track))
        .or(sounds.first());
    Ok(Known {
        edits: chosen.and_then(|track| Edits::of_track(&index, track)),
        track_id: chosen.and_then(|track| track_id(track)),
        audio_tracks: sounds.len(),
        is_big_endian: chosen.is_some_and(|track| is_big_endian(track)),
        is_unbounded: false,
        index_is_cut,
    })
}

fn is_enabled(track: &[u8]) -> bool {
    let flags = child(track, b"tkhd").and_then(|header| header.get(3));
    flags.is_some_and(|flags| flags & 1 == 1)
}

fn track_id(track: &[u8]) -> Option<u32> {
    let header = child(track, b"tkhd")?;
    u32_at(header, if header.first() == Some(&1) { 20 } else { 12 })
}

/// Whether a track is PCM that is big-endian by its sample description.
fn is_big_endian(track: &[u8]) -> bool {
    let table = path(track, &[b"mdia", b"minf", b"stbl", b"stsd"]);
    let Some(entry) = table.and_then(|table| table.get(8..)) else {
        return false;
    };
    let is_either = entry
        .get(4..8)
        .is_some_and(|kind| EITHER_ENDIAN.contains(&kind));
    let mut boxes = entry.windows(6);
    is_either && !boxes.any(|b| b == b"enda\0\x01")
}

impl Edits {
    /// The edits of a track; `None` when nothing is edited.
    fn of_track(index: &[u8], track: &[u8]) -> Option<Self> {
        let movie_scale = time_scale(child(index, b"mvhd")?)?;
        let scale = time_scale(path(track, &[b"mdia", b"mdhd"])?)?;
        let base = TimeBase::try_from_recip(scale)?;
        let movie_base = TimeBase::try_from_recip(movie_scale)?;
        let in_media = |duration: u64| {
            let ticks = u128::from(duration) * u128::from(scale) / u128::from(movie_scale);
            u64::try_from(ticks).ok()
        };
        let list = path(track, &[b"edts", b"elst"]).map(edit_list);
        let Some(list) = list.filter(|list| !list.is_empty()) else {
            return gapless_comment(index, base);
        };
        let lead: u64 = list
            .iter()
            .take_while(|edit| edit.media_time.is_none())
            .map(|edit| edit.duration)
            .fold(0, u64::saturating_add);
        let shown = || {
            list.iter()
                .filter_map(|e| Some((e.media_time?, e.duration)))
        };
        let (start, _) = shown().next()?;
        let (last, duration) = shown().max_by_key(|(time, _)| *time)?;
        // A duration of 0 stands for the rest, in files that are written piece by piece.
        let end = match duration {
            0 => None,
            _ => in_media(duration).and_then(|duration| last.checked_add(duration)),
        };
        Some(Self {
            silence: (lead > 0).then_some(Span {
                ticks: lead,
                base: movie_base,
            }),
            start,
            end,
            base,
            parts: shown().count(),
        })
    }
}

/// A line of an edit list, in the movie's time scale and in the track's.
struct Edit {
    duration: u64,
    /// `None` for an empty edit.
    media_time: Option<u64>,
}

fn edit_list(content: &[u8]) -> Vec<Edit> {
    let is_long = content.first() == Some(&1);
    let entries = content.get(8..).unwrap_or_default();
    let edit = |entry: &[u8]| {
        let (duration, media_time) = if is_long {
            (u64_at(entry, 0)?, u64_at(entry, 8)? as i64)
        } else {
            let media_time = u32_at(entry, 4)? as i32;
            (u64::from(u32_at(entry, 0)?), i64::from(media_time))
        };
        Some(Edit {
            duration,
            media_time: u64::try_from(media_time).ok(),
        })
    };
    entries
        .chunks_exact(if is_long { 20 } else { 12 })
        .map_while(edit)
        .collect()
}

/// iTunes' own statement of delay and length, in a comment of hexadecimal numbers.
fn gapless_comment(index: &[u8], base: TimeBase) -> Option<Edits> {
    let name = b"iTunSMPB";
    let at = index.windows(name.len()).position(|w| w == name)?;
    let text = index.get(at + name.len()..)?;
    let text = &text[..text.len().min(256)];
    // A box with a header of 16 bytes.
    let content = text.windows(4).position(|w| w == b"data")? + 12;
    let numbers: Vec<u64> = text
        .get(content..)?
        .split(|byte| !byte.is_ascii_hexdigit())
        .filter_map(|word| u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok())
        .collect();
    let [_, delay, _, length, ..] = numbers[..] else {
        return None;
    };
    Some(Edits {
        silence: None,
        start: delay,
        end: (length > 0).then(|| delay.saturating_add(length)),
        base,
        parts: 1,
    })
}

/// Goes to the content of the `moov` box; its size.
fn find_index(input: &mut Input) -> Result<Option<u64>, Failure> {
    for _ in 0..MAX_BOXES {
        let header = input.peek(16)?;
        let (Some(size), Some(name)) = (u32_at(header, 0), header.get(4..8)) else {
            break;
        };
        let is_index = name == b"moov";
        let (size, header_bytes) = match size {
            1 => match u64_at(header, 8) {
                Some(size) => (size, 16),
                None => break,
            },
            // To the end of the file.
            0 => (u64::MAX, 8),
            size => (size.into(), 8),
        };
        if size < header_bytes {
            break;
        }
        if is_index {
            input.skip(header_bytes)?;
            return Ok(Some(size - header_bytes));
        }
        if input.remaining().is_none_or(|left| size > left) {
            break;
        }
        input.skip(size)?;
    }
    Ok(None)
}

/// Names and contents of the boxes in a box. The last may be cut short.
fn children(mut content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, name) = (
            u32_at(content, 0)? as usize,
            *content.get(4..8)?.first_chunk()?,
        );
        let size = if size == 0 {
            content.len()
        } else {
            size.min(content.len())
        };
        let child = content.get(8..size)?;
        content = &content[size..];
        Some((name, child))
    })
}

fn child<'a>(content: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    children(content).find(|(n, _)| n == name).map(|(_, c)| c)
}

fn path<'a>(content: &'a [u8], names: &[&[u8; 4]]) -> Option<&'a [u8]> {
    names
        .iter()
        .try_fold(content, |content, name| child(content, name))
}

/// Units per second of an `mvhd` or `mdhd` box.
fn time_scale(content: &[u8]) -> Option<u32> {
    let at = if content.first() == Some(&1) { 20 } else { 12 };
    u32_at(content, at).filter(|&scale| scale > 0)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..at + 4)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..at + 8)?.first_chunk()?))
}
