//! Recognises what a sound is by its first bytes.

use super::elementary::{self, Syntax};
use super::input::{Input, PEEK_BYTES};
use super::wave::Dialect;

/// Bytes that show whether a file is text.
const TEXT_BYTES: usize = 512;
/// Bytes that are searched for MPEG audio or ADTS, at first and at most.
const FRAME_BYTES: usize = 1 << 16;

/// What a sound is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// WAV or a relative.
    Wave(Dialect),
    /// Frames of MPEG audio or ADTS, after so many bytes of something else.
    Elementary(Syntax, u64),
    /// Ogg, FLAC or Matroska.
    Container,
    /// MP4 and its relatives, or CAF, whose index may be at the end.
    Indexed,
    /// A kind that only ffmpeg reads, with its name.
    Foreign(&'static str),
    /// Text.
    Text,
    /// None of these.
    Unknown,
}

/// Beginnings of containers.
const CONTAINERS: [&[u8]; 3] = [b"OggS", b"fLaC", b"\x1A\x45\xDF\xA3"];
/// First boxes of MP4 and QuickTime files.
const MP4_BOXES: [&[u8]; 7] = [
    b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot",
];
/// Beginnings of what only ffmpeg reads.
const FOREIGN: [(&[u8], &str); 27] = [
    (b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "Windows Media (WMA)"),
    (b"RIFF", "AVI or another RIFF file without PCM"),
    (b"FORM", "an IFF file without AIFF sound"),
    (b"\x0B\x77", "AC-3"),
    (b"wvpk", "WavPack"),
    (b"MAC ", "Monkey's Audio"),
    (b"TTA", "True Audio (TTA)"),
    (b"DSD ", "DSD"),
    (b"FRM8", "DSD"),
    (b"MPCK", "Musepack"),
    (b"MP+", "Musepack"),
    (b"#!AMR", "AMR"),
    (b"#!SILK", "SILK"),
    (b"FLV", "Flash video"),
    (b"\x00\x00\x01\xBA", "an MPEG program stream"),
    (b"\x00\x00\x01\xB3", "an MPEG video stream"),
    (b".snd", "AU"),
    (b".RMF", "RealMedia"),
    (b".ra\xFD", "RealAudio"),
    (b"Creative Voice File", "VOC"),
    (b"NIST_1A", "NIST SPHERE"),
    (b"ADIF", "AAC in ADIF"),
    (b"\x7F\xFE\x80\x01", "DTS"),
    (b"\xFE\x7F\x01\x80", "DTS"),
    (b"ea3\x03", "ATRAC"),
    (b"LA0", "LA"),
    (b"OFR ", "OptimFROG"),
];

/// What begins here. Tags were read past.
pub(super) fn sniff(input: &mut Input) -> std::io::Result<Kind> {
    let head = input.peek(FRAME_BYTES)?;
    if let Some(dialect) = wave_dialect(head) {
        return Ok(Kind::Wave(dialect));
    }
    if CONTAINERS.iter().any(|mark| head.starts_with(mark)) {
        return Ok(Kind::Container);
    }
    let is_mp4 = head.get(4..8).is_some_and(|name| MP4_BOXES.contains(&name));
    if is_mp4 || head.starts_with(b"caff") {
        return Ok(Kind::Indexed);
    }
    if is_transport_stream(head) {
        return Ok(Kind::Foreign("an MPEG transport stream"));
    }
    if let Some((_, name)) = FOREIGN.iter().find(|(mark, _)| head.starts_with(mark)) {
        return Ok(Kind::Foreign(name));
    }
    if is_text(head) {
        return Ok(Kind::Text);
    }
    // Only what begins otherwise is searched further.
    for bytes in [FRAME_BYTES, PEEK_BYTES] {
        let head = input.peek(bytes)?;
        let is_all = head.len() < bytes;
        if let Some((at, syntax)) = elementary::find(head, is_all) {
            return Ok(Kind::Elementary(syntax, at as u64));
        }
        if is_all {
            break;
        }
    }
    Ok(Kind::Unknown)
}

/// The dialect of a WAV file or a relative.
fn wave_dialect(head: &[u8]) -> Option<Dialect> {
    let (mark, kind) = (head.get(..4)?, head.get(8..12)?);
    match (mark, kind) {
        (b"RIFF" | b"RF64" | b"BW64", b"WAVE") => Some(Dialect::Riff),
        (b"RIFX", b"WAVE") => Some(Dialect::Rifx),
        (b"FORM", b"AIFF" | b"AIFC") => Some(Dialect::Aiff),
        (b"riff", _) if head[4..].starts_with(b"\x2E\x91\xCF\x11") => Some(Dialect::Wave64),
        _ => None,
    }
}

/// Packets of 188 bytes, with 4 bytes before each in files of cameras.
fn is_transport_stream(head: &[u8]) -> bool {
    let packets = |first: usize, length: usize| {
        (0..4).all(|n| {
            head.get(first + n * length)
                .is_some_and(|&mark| mark == 0x47)
        })
    };
    packets(0, 188) || packets(4, 192)
}

/// Text has no control characters but those of its layout.
fn is_text(head: &[u8]) -> bool {
    let start = &head[..head.len().min(TEXT_BYTES)];
    start
        .iter()
        .all(|&byte| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C))
}
