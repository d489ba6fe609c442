//! The format chunk: `fmt ` of WAV, `COMM` of AIFF.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS};

use super::super::failure::Failure;
use super::chunks::Dialect;
use crate::audio::Encoding;

/// Bytes of a format chunk that are read at most.
pub(super) const MAX_BYTES: usize = 4096;
/// `WAVE_FORMAT_EXTENSIBLE`: the real tag is in the sub-format.
const EXTENSIBLE: u16 = 0xFFFE;

/// What a format chunk declares.
#[derive(Debug, Clone)]
pub(super) struct Format {
    pub codec: Codec,
    pub rate_hz: u32,
    pub channels: u16,
    /// Bytes of a frame of PCM, or of a block of ADPCM.
    pub block_bytes: usize,
}

/// Encoding of the sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Codec {
    /// PCM.
    Pcm(Encoding),
    /// 24 bits in 32, in the upper or the lower bytes: only the samples show it.
    PcmIn32Bits,
    /// Blocks of Microsoft's or IMA's ADPCM.
    Adpcm(AudioCodecId),
    /// MPEG audio of any layer.
    Mpeg,
    /// AAC in ADTS.
    Adts,
    /// None of these; a sentence.
    Unknown(String),
}

impl Format {
    /// Reads a format chunk.
    pub fn parse(dialect: Dialect, bytes: &[u8]) -> Result<Self, Failure> {
        let format = match dialect {
            Dialect::Aiff => Self::parse_comm(bytes),
            _ => Self::parse_fmt(dialect, bytes),
        };
        let format = format.ok_or_else(|| Failure::broken("its format chunk is too short"))?;
        if format.channels == 0 {
            return Err(Failure::broken("it has no channels"));
        }
        if format.rate_hz == 0 {
            return Err(Failure::broken("it has a sample rate of 0 Hz"));
        }
        Ok(format)
    }

    fn parse_fmt(dialect: Dialect, bytes: &[u8]) -> Option<Self> {
        let u16_at = |at: usize| {
            let bytes = *bytes.get(at..at + 2)?.first_chunk()?;
            Some(match dialect.is_big_endian() {
                true => u16::from_be_bytes(bytes),
                false => u16::from_le_bytes(bytes),
            })
        };
        let rate: [u8; 4] = *bytes.get(4..8)?.first_chunk()?;
        let rate_hz = match dialect.is_big_endian() {
            true => u32::from_be_bytes(rate),
            false => u32::from_le_bytes(rate),
        };
        let (tag, channels, block) = (u16_at(0)?, u16_at(2)?, usize::from(u16_at(12)?));
        let per_channel = block / usize::from(channels.max(1));
        let whole = block % usize::from(channels.max(1)) == 0;
        // The first version of the header had no bit depth.
        let bits = match u16_at(14) {
            Some(bits) if bits > 0 => usize::from(bits),
            _ => 8 * per_channel,
        };
        let tag = match (tag, u16_at(24)) {
            (EXTENSIBLE, Some(tag)) => tag,
            // Cut short before the sub-format.
            (EXTENSIBLE, None) => 1,
            (tag, _) => tag,
        };
        // A block size that fits no sample is a writer's mistake.
        let least = bits.div_ceil(8);
        let bytes_of_sample = if whole && (least.max(1)..=8).contains(&per_channel) {
            per_channel
        } else {
            least
        };
        let codec = codec_of(tag, bits, bytes_of_sample, dialect.is_big_endian());
        let block_bytes = match codec {
            Codec::Pcm(_) | Codec::PcmIn32Bits => bytes_of_sample * usize::from(channels),
            _ => block,
        };
        Some(Self {
            codec,
            rate_hz,
            channels,
            block_bytes,
        })
    }

    fn parse_comm(bytes: &[u8]) -> Option<Self> {
        let channels = u16::from_be_bytes(*bytes.get(..2)?.first_chunk()?);
        let bits = usize::from(u16::from_be_bytes(*bytes.get(6..8)?.first_chunk()?));
        let rate_hz = extended(bytes.get(8..18)?.first_chunk()?);
        let kind: [u8; 4] = bytes
            .get(18..22)
            .map_or(Some(*b"NONE"), |b| b.first_chunk().copied())?;
        let size = bits.div_ceil(8);
        let codec = match &kind.map(|byte| byte.to_ascii_lowercase()) {
            b"none" | b"twos" | b"in16" | b"in24" | b"in32" => integers(size, true),
            b"sowt" => integers(size, false),
            b"42ni" => Some(Encoding::S24le),
            b"23ni" => Some(Encoding::S32le),
            b"raw " => (size == 1).then_some(Encoding::U8),
            b"fl32" => Some(Encoding::F32be),
            b"fl64" => Some(Encoding::F64be),
            b"alaw" => Some(Encoding::Alaw),
            b"ulaw" => Some(Encoding::Mulaw),
            _ => None,
        };
        let unknown = || {
            let kind = String::from_utf8_lossy(&kind).trim().to_owned();
            Codec::Unknown(format!("{bits}-bit \"{kind}\" in AIFF is not decoded here"))
        };
        Some(Self {
            block_bytes: codec.map_or(0, Encoding::bytes) * usize::from(channels),
            codec: codec.map_or_else(unknown, Codec::Pcm),
            rate_hz,
            channels,
        })
    }
}

/// The codec of a tag. Integers fill the upper bits of their bytes, and up to 8 bits are unsigned.
fn codec_of(tag: u16, bits: usize, bytes: usize, big_endian: bool) -> Codec {
    let float = |little, big| Codec::Pcm(if big_endian { big } else { little });
    let unknown = || {
        Codec::Unknown(format!(
            "{bits}-bit sound of kind {tag:#x} in WAV is not decoded here"
        ))
    };
    match (tag, bytes) {
        (1, 1) => Codec::Pcm(Encoding::U8),
        (1, 4) if bits == 24 && !big_endian => Codec::PcmIn32Bits,
        (3, 4) => float(Encoding::F32le, Encoding::F32be),
        (3, 8) => float(Encoding::F64le, Encoding::F64be),
        (6, _) => Codec::Pcm(Encoding::Alaw),
        (7, _) => Codec::Pcm(Encoding::Mulaw),
        (2, _) => Codec::Adpcm(CODEC_ID_ADPCM_MS),
        (0x11, _) => Codec::Adpcm(CODEC_ID_ADPCM_IMA_WAV),
        (0x50 | 0x55, _) => Codec::Mpeg,
        (0x1600 | 0x1610, _) => Codec::Adts,
        (1, _) => integers(bytes, big_endian).map_or_else(unknown, Codec::Pcm),
        _ => unknown(),
    }
}

/// Signed integers of this many bytes.
fn integers(bytes: usize, big_endian: bool) -> Option<Encoding> {
    Some(match (bytes, big_endian) {
        (1, _) => Encoding::S8,
        (2, false) => Encoding::S16le,
        (2, true) => Encoding::S16be,
        (3, false) => Encoding::S24le,
        (3, true) => Encoding::S24be,
        (4, false) => Encoding::S32le,
        (4, true) => Encoding::S32be,
        _ => return None,
    })
}

/// A rate as an 80-bit float, rounded; 0 where it is none.
fn extended(bytes: &[u8; 10]) -> u32 {
    let [sign, exponent, mantissa @ ..] = bytes;
    let exponent = i32::from(u16::from_be_bytes([*sign, *exponent])) - 16_383 - 63;
    let rate = u64::from_be_bytes(*mantissa) as f64 * f64::from(exponent).exp2();
    if sign & 0x80 == 0 {
        rate.round() as u32
    } else {
        0
    }
}
