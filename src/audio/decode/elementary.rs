//! MPEG audio (mp1, mp2, mp3) and AAC in ADTS: frames one after another, with whatever lies
//! between them.
//!
//! Files that were joined are decoded one after the other, each with its own rate, channels,
//! delay and padding.

mod header;
mod info_tag;

use symphonia::core::audio::Channels;
use symphonia::core::audio::layouts::{CHANNEL_LAYOUT_MONO, CHANNEL_LAYOUT_STEREO};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::packet::{Packet, PacketBuilder};
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use self::header::{FrameHeader, MAX_HEADER_BYTES};
use self::info_tag::InfoTag;
use super::failure::Failure;
use super::input::Input;
use super::packets::{Demux, Demuxed, Track};
use super::tags;

pub(super) use self::header::Syntax;

/// Bytes that are looked at in one search for a frame.
const WINDOW_BYTES: usize = 1 << 16;
/// Frames that must follow each other where no frame was before, or after bytes of no frame.
const FRAMES_IN_A_ROW: usize = 3;

/// The frames of a stream.
pub(super) struct Elementary {
    input: Input,
    syntax: Syntax,
    /// Header of the current track's frames. `None` before the first frame.
    current: Option<FrameHeader>,
    /// The current track's tag, if it has one.
    tag: Option<InfoTag>,
    /// Frames of the current track so far.
    frames: u64,
    junk_bytes: u64,
}

/// Position of the first frame in `bytes` that others follow, all of one syntax. The file ends
/// with `bytes` if `is_all`.
pub(super) fn find(bytes: &[u8], is_all: bool) -> Option<(usize, Syntax)> {
    (0..bytes.len()).find_map(|at| {
        let syntaxes = [Syntax::Mpeg, Syntax::Adts].into_iter();
        syntaxes
            .filter(|&syntax| is_row(syntax, &bytes[at..], is_all))
            .map(|syntax| (at, syntax))
            .next()
    })
}

/// Whether `bytes` begin with a row of frames of one kind.
fn is_row(syntax: Syntax, bytes: &[u8], is_all: bool) -> bool {
    let Some(first) = FrameHeader::parse(syntax, bytes) else {
        return false;
    };
    let mut at = first.bytes;
    for found in 1..FRAMES_IN_A_ROW {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.len() < MAX_HEADER_BYTES {
            // A short file may hold a single frame, and an ID3v1 tag.
            return is_all && first.channels > 0 && (at <= bytes.len() || found > 1);
        }
        if is_all && (rest.starts_with(b"TAG") || rest.starts_with(b"APETAGEX")) {
            return true;
        }
        match FrameHeader::parse(syntax, rest) {
            Some(next) if next.is_like(&first) => at += next.bytes,
            _ => return false,
        }
    }
    true
}

impl Elementary {
    /// Frames that begin here, or a little later.
    pub fn new(input: Input, syntax: Syntax) -> Self {
        Self {
            input,
            syntax,
            current: None,
            tag: None,
            frames: 0,
            junk_bytes: 0,
        }
    }

    /// Goes to the next frame; its header. `None` at the end.
    fn next_header(&mut self) -> Result<Option<FrameHeader>, Failure> {
        let bytes = self.input.peek(MAX_HEADER_BYTES)?;
        let header = FrameHeader::parse(self.syntax, bytes);
        match (header, &self.current) {
            (Some(header), Some(current)) if header.is_like(current) => Ok(Some(header)),
            _ => self.search(),
        }
    }

    /// Goes to the next row of frames past tags and junk.
    fn search(&mut self) -> Result<Option<FrameHeader>, Failure> {
        let (mut junk, mut from) = (0, 0);
        loop {
            if tags::skip(&mut self.input)? {
                from = 0;
                continue;
            }
            let window = self.input.peek(WINDOW_BYTES)?;
            let is_all = window.len() < WINDOW_BYTES;
            // Near the end of the window too few frames are seen.
            let searched = match is_all {
                true => window.len(),
                false => WINDOW_BYTES / 2,
            };
            let row = |at: usize| is_row(self.syntax, &window[at..], is_all);
            let found = (from..searched).find(|&at| row(at) || tags::begins(&window[at..]));
            let header = found.filter(|&at| row(at));
            let header = header.and_then(|at| FrameHeader::parse(self.syntax, &window[at..]));
            let step = found.unwrap_or(searched);
            self.input.skip(step as u64)?;
            junk += step as u64;
            if header.is_some() {
                // Junk before the first frame delays nothing.
                self.junk_bytes += if self.current.is_some() { junk } else { 0 };
                return Ok(header);
            }
            if found.is_none() && is_all {
                return Ok(None);
            }
            // What looks like a tag and reaches beyond the end is none.
            from = usize::from(found.is_some());
        }
    }

    fn begin_track(&mut self, header: FrameHeader, tag: Option<InfoTag>) -> Track {
        self.current = Some(header);
        self.tag = tag;
        self.frames = 0;
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(header.codec)
            .with_sample_rate(header.rate_hz);
        match header.channels {
            // Only the frames' content shows them.
            0 => &mut parameters,
            1 => parameters.with_channels(CHANNEL_LAYOUT_MONO),
            2 => parameters.with_channels(CHANNEL_LAYOUT_STEREO),
            more => parameters.with_channels(Channels::Discrete(more)),
        };
        let time_base = TimeBase::try_from_recip(header.rate_hz);
        Track {
            parameters,
            time_base,
            frames: tag.and_then(|tag| tag.valid_frames(&header)),
            durations_are_exact: false,
            skipped: None,
            silence: None,
        }
    }

    /// Puts a frame's bytes into a packet, without what delay and padding cover of it.
    fn packet(&mut self, header: FrameHeader, bytes: Vec<u8>) -> Packet {
        let held = u64::from(header.samples);
        let start = self.frames * held;
        let end = start + held;
        self.frames += 1;
        let (delay, valid_end) = match self.tag {
            // More frames than the tag states are sound all the same.
            Some(tag) if tag.frames.is_none_or(|all| self.frames <= all) => {
                let delay = u64::from(tag.delay);
                let valid = tag.valid_frames(&header);
                (delay, valid.map_or(u64::MAX, |valid| delay + valid))
            }
            Some(tag) => (u64::from(tag.delay), u64::MAX),
            None => (0, u64::MAX),
        };
        let trim_start = delay.clamp(start, end) - start;
        let trim_end = (end - valid_end.clamp(start, end)).min(held - trim_start);
        PacketBuilder::new()
            .track_id(0)
            .pts(Timestamp::new(i64::try_from(start).unwrap_or(i64::MAX)))
            .dur(Duration::new(held - trim_start - trim_end))
            .trim_start(Duration::new(trim_start))
            .trim_end(Duration::new(trim_end))
            .data(bytes)
            .build()
    }
}

impl Demux for Elementary {
    fn next(&mut self) -> Result<Demuxed, Failure> {
        let Some(header) = self.next_header()? else {
            return match self.current {
                Some(_) => Ok(Demuxed::End),
                None => Err(Failure::Unknown),
            };
        };
        let frame = self.input.peek(header.bytes)?;
        if frame.len() < header.bytes {
            // A recording that was cut inside a frame.
            return Ok(Demuxed::End);
        }
        let tag = InfoTag::parse(&header, frame);
        let changed = self.current.is_none_or(|current| !header.is_like(&current));
        if changed || tag.is_some() {
            if tag.is_some() {
                self.input.skip(header.bytes as u64)?;
            }
            return Ok(Demuxed::Track(self.begin_track(header, tag)));
        }
        let bytes = frame[header.header_bytes..].to_vec();
        self.input.skip(header.bytes as u64)?;
        Ok(Demuxed::Packet(self.packet(header, bytes)))
    }

    fn problems(&self) -> Vec<String> {
        let count = self.junk_bytes;
        let some =
            (count > 0).then(|| format!("{count} bytes in it are no sound and were left out"));
        some.into_iter().collect()
    }
}
