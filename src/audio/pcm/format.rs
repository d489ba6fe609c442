//! Format of raw samples.

use std::str::FromStr;

use crate::audio::AudioError;

/// Encoding of a raw sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// 8-bit unsigned integer.
    U8,
    /// 8-bit signed integer.
    S8,
    /// 16-bit signed integer, little-endian.
    S16le,
    /// 16-bit signed integer, big-endian.
    S16be,
    /// 24-bit signed integer in 3 bytes, little-endian.
    S24le,
    /// 24-bit signed integer in 3 bytes, big-endian.
    S24be,
    /// 24-bit signed integer in the lower 3 of 4 bytes, little-endian: ALSA's `S24_LE`.
    S24leIn32,
    /// 24-bit signed integer in the lower 3 of 4 bytes, big-endian.
    S24beIn32,
    /// 32-bit signed integer, little-endian.
    S32le,
    /// 32-bit signed integer, big-endian.
    S32be,
    /// 32-bit float with full scale 1, little-endian.
    F32le,
    /// 32-bit float with full scale 1, big-endian.
    F32be,
    /// 64-bit float with full scale 1, little-endian.
    F64le,
    /// 64-bit float with full scale 1, big-endian.
    F64be,
    /// A-law of G.711.
    Alaw,
    /// µ-law of G.711.
    Mulaw,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 16] = [
        Self::U8,
        Self::S8,
        Self::S16le,
        Self::S16be,
        Self::S24le,
        Self::S24be,
        Self::S24leIn32,
        Self::S24beIn32,
        Self::S32le,
        Self::S32be,
        Self::F32le,
        Self::F32be,
        Self::F64le,
        Self::F64be,
        Self::Alaw,
        Self::Mulaw,
    ];

    /// Its name in options and configuration, as `s16le`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::S8 => "s8",
            Self::S16le => "s16le",
            Self::S16be => "s16be",
            Self::S24le => "s24le",
            Self::S24be => "s24be",
            Self::S24leIn32 => "s24le-in-32",
            Self::S24beIn32 => "s24be-in-32",
            Self::S32le => "s32le",
            Self::S32be => "s32be",
            Self::F32le => "f32le",
            Self::F32be => "f32be",
            Self::F64le => "f64le",
            Self::F64be => "f64be",
            Self::Alaw => "alaw",
            Self::Mulaw => "mulaw",
        }
    }

    /// Bytes of a sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::S8 | Self::Alaw | Self::Mulaw => 1,
            Self::S16le | Self::S16be => 2,
            Self::S24le | Self::S24be => 3,
            Self::S24leIn32 | Self::S24beIn32 | Self::S32le | Self::S32be => 4,
            Self::F32le | Self::F32be => 4,
            Self::F64le | Self::F64be => 8,
        }
    }

    /// Appends the whole samples in `bytes` to `samples`; full scale becomes 1.
    pub(in crate::audio) fn decode(self, bytes: &[u8], samples: &mut Vec<f32>) {
        match self {
            Self::U8 => extend(samples, bytes, |[b]| integer(b ^ 0x80, [0; 3])),
            Self::S8 => extend(samples, bytes, |[b]| integer(b, [0; 3])),
            Self::S16le => extend(samples, bytes, |[b, a]| integer(a, [b, 0, 0])),
            Self::S16be => extend(samples, bytes, |[a, b]| integer(a, [b, 0, 0])),
            Self::S24le => extend(samples, bytes, |[c, b, a]| integer(a, [b, c, 0])),
            Self::S24be => extend(samples, bytes, |[a, b, c]| integer(a, [b, c, 0])),
            Self::S24leIn32 => extend(samples, bytes, |[c, b, a, _]| integer(a, [b, c, 0])),
            Self::S24beIn32 => extend(samples, bytes, |[_, a, b, c]| integer(a, [b, c, 0])),
            Self::S32le => extend(samples, bytes, |[d, c, b, a]| integer(a, [b, c, d])),
            Self::S32be => extend(samples, bytes, |[a, b, c, d]| integer(a, [b, c, d])),
            Self::F32le => extend(samples, bytes, f32::from_le_bytes),
            Self::F32be => extend(samples, bytes, f32::from_be_bytes),
            Self::F64le => extend(samples, bytes, |b| f64::from_le_bytes(b) as f32),
            Self::F64be => extend(samples, bytes, |b| f64::from_be_bytes(b) as f32),
            Self::Alaw => extend(samples, bytes, |[b]| alaw(b)),
            Self::Mulaw => extend(samples, bytes, |[b]| mulaw(b)),
        }
    }
}

fn extend<const N: usize>(samples: &mut Vec<f32>, bytes: &[u8], decode: impl Fn([u8; N]) -> f32) {
    samples.extend(bytes.as_chunks().0.iter().map(|&bytes| decode(bytes)));
}

/// A signed integer by its bytes, the highest first.
fn integer(highest: u8, [b, c, d]: [u8; 3]) -> f32 {
    // Exact for up to 25 bits, and rounded once for 32.
    i32::from_be_bytes([highest, b, c, d]) as f32 / 2_147_483_648.0
}

/// Sign, 3 bits of exponent and 4 of mantissa, every second bit inverted.
fn alaw(byte: u8) -> f32 {
    let bits = byte ^ 0x55;
    let (exponent, mantissa) = (u32::from(bits >> 4 & 7), i32::from(bits & 15));
    let magnitude = match exponent {
        0 => 2 * mantissa + 1,
        _ => (2 * mantissa + 33) << (exponent - 1),
    };
    let sign = if bits & 0x80 == 0 { -1.0 } else { 1.0 };
    sign * magnitude as f32 / 4096.0
}

/// Sign, 3 bits of exponent and 4 of mantissa, all inverted, with a bias of 33.
fn mulaw(byte: u8) -> f32 {
    let bits = !byte;
    let (exponent, mantissa) = (u32::from(bits >> 4 & 7), i32::from(bits & 15));
    let magnitude = ((2 * mantissa + 33) << exponent) - 33;
    let sign = if bits & 0x80 == 0 { 1.0 } else { -1.0 };
    sign * magnitude as f32 / 8192.0
}

impl FromStr for Encoding {
    type Err = AudioError;

    fn from_str(text: &str) -> Result<Self, AudioError> {
        let found = Self::ALL
            .into_iter()
            .find(|encoding| encoding.name() == text);
        found.ok_or_else(|| AudioError::Encoding { text: text.into() })
    }
}

/// Format of the bytes of a pipe: interleaved raw samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmFormat {
    /// Encoding of a sample.
    pub encoding: Encoding,
    /// Frames per second.
    pub rate_hz: u32,
    /// Samples per frame.
    pub channels: u16,
}

impl PcmFormat {
    /// Bytes of a frame.
    pub(super) fn frame_bytes(self) -> usize {
        self.encoding.bytes() * usize::from(self.channels)
    }

    /// Refuses a rate or channel count of 0.
    pub(super) fn check(self) -> Result<(), AudioError> {
        if self.channels == 0 || self.rate_hz == 0 {
            return Err(AudioError::PcmFormat {
                rate_hz: self.rate_hz,
                channels: self.channels,
            });
        }
        Ok(())
    }
}
