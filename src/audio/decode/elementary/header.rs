//! Headers of MPEG audio frames and of ADTS frames.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3,
};

/// Bytes that a header has at most.
pub(super) const MAX_HEADER_BYTES: usize = 9;
/// Kilobits per second by index, for MPEG 1 layer I, II and III, and MPEG 2 layer I, and II and
/// III. Index 0 is a rate of the encoder's own, which is not decoded.
const BIT_RATES: [[u16; 14]; 5] = [
    [
        32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Sample rates of MPEG 1 by index. MPEG 2 has half of them, MPEG 2.5 a quarter.
const MPEG_RATES_HZ: [u32; 3] = [44_100, 48_000, 32_000];
/// Sample rates of ADTS by index.
const ADTS_RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// The kind of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Syntax {
    /// MPEG audio.
    Mpeg,
    /// AAC in ADTS.
    Adts,
}

/// What a frame's header states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub codec: AudioCodecId,
    pub rate_hz: u32,
    pub channels: u16,
    /// Samples of a channel in the frame.
    pub samples: u32,
    /// Bytes of the frame with its header.
    pub bytes: usize,
    /// Bytes that the codec does not get.
    pub header_bytes: usize,
    /// MPEG 1, not 2 or 2.5.
    pub is_mpeg1: bool,
}

impl FrameHeader {
    /// The header that `bytes` begin with.
    pub fn parse(syntax: Syntax, bytes: &[u8]) -> Option<Self> {
        match syntax {
            Syntax::Mpeg => Self::parse_mpeg(*bytes.first_chunk()?),
            Syntax::Adts => Self::parse_adts(*bytes.first_chunk()?),
        }
    }

    /// Whether both belong to one stream.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.codec, self.rate_hz, self.channels) == (other.codec, other.rate_hz, other.channels)
    }

    fn parse_mpeg([a, b, c, d]: [u8; 4]) -> Option<Self> {
        if a != 0xFF || b & 0xE0 != 0xE0 {
            return None;
        }
        let (version, layer) = (b >> 3 & 3, b >> 1 & 3);
        let is_mpeg1 = version == 3;
        // By how much the rates of MPEG 1 are halved.
        let halvings = match version {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let (codec, row, samples) = match (layer, is_mpeg1) {
            (3, true) => (CODEC_ID_MP1, 0, 384),
            (3, false) => (CODEC_ID_MP1, 3, 384),
            (2, true) => (CODEC_ID_MP2, 1, 1152),
            (2, false) => (CODEC_ID_MP2, 4, 1152),
            (1, true) => (CODEC_ID_MP3, 2, 1152),
            (1, false) => (CODEC_ID_MP3, 4, 576),
            _ => return None,
        };
        let rate_index = usize::from(c >> 4).checked_sub(1)?;
        let bits_per_s = 1000 * u32::from(*BIT_RATES[row].get(rate_index)?);
        let rate_hz = MPEG_RATES_HZ.get(usize::from(c >> 2 & 3))? >> halvings;
        let padding = u32::from(c >> 1 & 1);
        let bytes = match layer {
            3 => (12 * bits_per_s / rate_hz + padding) * 4,
            _ => samples / 8 * bits_per_s / rate_hz + padding,
        };
        // The emphasis of 2 is reserved.
        (d & 3 != 2).then_some(Self {
            codec,
            rate_hz,
            channels: if d >> 6 == 3 { 1 } else { 2 },
            samples,
            bytes: bytes as usize,
            header_bytes: 0,
            is_mpeg1,
        })
    }

    fn parse_adts([a, b, c, d, e, f, g]: [u8; 7]) -> Option<Self> {
        if a != 0xFF || b & 0xF6 != 0xF0 {
            return None;
        }
        let rate_hz = *ADTS_RATES_HZ.get(usize::from(c >> 2 & 15))?;
        let channels = u16::from((c & 1) << 2 | d >> 6);
        let bytes = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        let header_bytes = if b & 1 == 0 { 9 } else { 7 };
        let blocks = u32::from(g & 3) + 1;
        (bytes > header_bytes).then_some(Self {
            codec: CODEC_ID_AAC,
            rate_hz,
            channels: if channels == 7 { 8 } else { channels },
            samples: 1024 * blocks,
            bytes,
            header_bytes,
            is_mpeg1: false,
        })
    }
}
