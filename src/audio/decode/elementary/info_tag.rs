//! The frame without sound at the start of an mp3 file that states its length, delay and padding.

use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;

use super::header::FrameHeader;

/// Delay of a decoder, in frames, on top of the encoder's.
const DECODER_DELAY: u32 = 529;

/// A Xing, Info or VBRI tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InfoTag {
    /// MPEG frames after the tag's own.
    pub frames: Option<u64>,
    /// Samples of a channel to leave out at the start.
    pub delay: u32,
    /// Samples of a channel to leave out at the end.
    pub padding: u32,
}

impl InfoTag {
    /// The tag in a whole frame, if it holds one.
    pub fn parse(header: &FrameHeader, frame: &[u8]) -> Option<Self> {
        if header.codec != CODEC_ID_MP3 {
            return None;
        }
        let side_information = match (header.is_mpeg1, header.channels) {
            (true, 1) | (false, 2) => 17,
            (true, _) => 32,
            (false, _) => 9,
        };
        let tag = frame.get(4 + side_information..)?;
        if tag.starts_with(b"Xing") || tag.starts_with(b"Info") {
            return Self::parse_xing(tag);
        }
        let tag = frame.get(36..)?;
        let frames = u32::from_be_bytes(*tag.get(14..18)?.first_chunk()?);
        tag.starts_with(b"VBRI").then_some(Self {
            frames: (frames > 0).then_some(frames.into()),
            delay: 0,
            padding: 0,
        })
    }

    fn parse_xing(tag: &[u8]) -> Option<Self> {
        let flags = u32::from_be_bytes(*tag.get(4..8)?.first_chunk()?);
        let frames = match flags & 1 {
            0 => None,
            _ => Some(u32::from_be_bytes(*tag.get(8..12)?.first_chunk()?)),
        };
        // Each field is there only if its flag is set.
        let fields = [(1, 4), (2, 4), (4, 100), (8, 4)].into_iter();
        let lengths = fields.map(|(flag, bytes)| if flags & flag == 0 { 0 } else { bytes });
        let encoder = tag.get(8 + lengths.sum::<usize>()..).unwrap_or_default();
        let known = [&b"LAME"[..], b"Lavf", b"Lavc", b"L3.9"];
        let states_delay = known.iter().any(|name| encoder.starts_with(name));
        let (delay, padding) = match encoder.get(21..24) {
            Some(&[a, b, c]) if states_delay => (
                u32::from(a) << 4 | u32::from(b) >> 4,
                u32::from(b & 15) << 8 | u32::from(c),
            ),
            _ => (0, 0),
        };
        let delay = if states_delay {
            delay + DECODER_DELAY
        } else {
            0
        };
        Some(Self {
            frames: frames.filter(|&frames| frames > 0).map(u64::from),
            delay,
            padding: padding.saturating_sub(DECODER_DELAY),
        })
    }

    /// Samples of a channel without delay and padding.
    pub fn valid_frames(&self, header: &FrameHeader) -> Option<u64> {
        let all = self.frames? * u64::from(header.samples);
        Some(all.saturating_sub(u64::from(self.delay) + u64::from(self.padding)))
    }
}
