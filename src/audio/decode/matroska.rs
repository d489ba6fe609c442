//! What Matroska's header states and Symphonia does not tell: which audio track players choose, and whether the length
//! is known.

use super::containers::Known;

const SEGMENT: u32 = 0x1853_8067;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK: u32 = 0xAE;
const CLUSTER: u32 = 0x1F43_B675;
const NUMBER: u32 = 0xD7;
const TYPE: u32 = 0x83;
const ENABLED: u32 = 0xB9;
const DEFAULT: u32 = 0x88;
/// The type of an audio track.
const AUDIO: u64 = 2;

/// Reads the beginning of a file, as far as `head` goes.
pub(super) fn known(head: &[u8]) -> Known {
    let mut known = Known::default();
    let segment = Elements(head).find(|element| element.id == SEGMENT);
    let Some(segment) = segment else { return known };
    known.is_unbounded = segment.size.is_none();
    for element in Elements(segment.content) {
        match element.id {
            TRACKS => tracks(element.content, &mut known),
            CLUSTER => {
                known.is_unbounded |= element.size.is_none();
                break;
            }
            _ => {}
        }
    }
    known
}

fn tracks(content: &[u8], known: &mut Known) {
    for track in Elements(content).filter(|element| element.id == TRACK) {
        let value = |id| {
            Elements(track.content)
                .find(|e| e.id == id)
                .map(Element::number)
        };
        if value(TYPE) != Some(AUDIO) {
            continue;
        }
        known.audio_tracks += 1;
        // Both flags are set where they are not stated.
        let is_set = |id| value(id).unwrap_or(1) != 0;
        if known.track_id.is_none() && is_set(ENABLED) && is_set(DEFAULT) {
            known.track_id = value(NUMBER).and_then(|number| number.try_into().ok());
        }
    }
}

/// An element of EBML.
struct Element<'a> {
    id: u32,
    /// `None`: up to the next element of a higher level.
    size: Option<u64>,
    /// As far as it is at hand.
    content: &'a [u8],
}

impl Element<'_> {
    fn number(self) -> u64 {
        let bytes = self.content.iter().take(8);
        bytes.fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

/// Elements one after the other.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (id, id_bytes) = number(self.0, 4, true)?;
        let rest = &self.0[id_bytes..];
        let (size, size_bytes) = number(rest, 8, false)?;
        let rest = &rest[size_bytes..];
        // All bits set: not known.
        let size = (size != (1 << (7 * size_bytes)) - 1).then_some(size);
        let end = size.and_then(|size| usize::try_from(size).ok());
        let end = end.unwrap_or(rest.len()).min(rest.len());
        self.0 = &rest[end..];
        Some(Element {
            id: id.try_into().ok()?,
            size,
            content: &rest[..end],
        })
    }
}

/// A number whose leading zeros state its length in bytes, and that length. The bit behind them is part of an id only.
fn number(bytes: &[u8], most: usize, keeps_mark: bool) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    if length > most {
        return None;
    }
    let mark = if keeps_mark { 0 } else { 0x80 >> (length - 1) };
    let more = bytes.get(1..length)?.iter();
    let number = more.fold(u64::from(first & !mark), |n, &byte| {
        n << 8 | u64::from(byte)
    });
    Some((number, length))
}
