//! Format of raw samples.

use std::str::FromStr;

use crate::audio::AudioError;

/// Encoding of a raw sample, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// 16-bit signed integer.
    S16le,
    /// 32-bit signed integer.
    S32le,
    /// 32-bit float with full scale 1.
    F32le,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 3] = [Self::S16le, Self::S32le, Self::F32le];

    /// Its name in options and configuration, as `s16le`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S16le => "s16le",
            Self::S32le => "s32le",
            Self::F32le => "f32le",
        }
    }

    /// Bytes of a sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::S16le => 2,
            Self::S32le | Self::F32le => 4,
        }
    }

    /// Appends the whole samples in `bytes` to `samples`; full scale becomes 1.
    pub(super) fn decode(self, bytes: &[u8], samples: &mut Vec<f32>) {
        match self {
            Self::S16le => samples.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&b| f32::from(i16::from_le_bytes(b)) / 32_768.0),
            ),
            Self::S32le => samples.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&b| (f64::from(i32::from_le_bytes(b)) / 2_147_483_648.0) as f32),
            ),
            Self::F32le => {
                samples.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)));
            }
        }
    }
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
