//! Uncompressed sound.

use super::super::damage::ends_early;
use super::super::failure::Failure;
use super::super::{BLOCK_SAMPLES, SoundReader};
use super::data::{Damage, Data};
use super::format::{Codec, Format};
use crate::audio::{AudioFormat, Encoding};

/// PCM of a file.
pub(super) struct PcmSound {
    data: Data,
    encoding: Encoding,
    format: AudioFormat,
    /// Whole frames of one block.
    bytes: Vec<u8>,
    /// Bytes of sound in the current format so far.
    read_bytes: u64,
    stated_frames: Option<u64>,
    damage: Vec<String>,
}

impl PcmSound {
    pub fn new(mut data: Data) -> Result<Self, Failure> {
        let format = data.format().clone();
        let frame = format.block_bytes as u64;
        Ok(Self {
            encoding: encoding(&mut data, &format)?,
            stated_frames: data.stated_bytes().map(|bytes| bytes / frame),
            format: audio_format(&format),
            bytes: block_of(&format),
            data,
            read_bytes: 0,
            damage: Vec::new(),
        })
    }

    /// Goes on to another sound chunk; `false` at the end.
    fn next_chunk(&mut self) -> Result<bool, Failure> {
        self.note_damage();
        if !self.data.next_chunk()? {
            return Ok(false);
        }
        let format = self.data.format().clone();
        self.encoding = encoding(&mut self.data, &format)?;
        self.format = audio_format(&format);
        self.bytes = block_of(&format);
        self.read_bytes = 0;
        self.stated_frames = None;
        Ok(true)
    }

    fn note_damage(&mut self) {
        let Some(damage) = self.data.damage() else {
            return;
        };
        let frame = self.data.format().block_bytes as u64;
        let read = self.read_bytes / frame;
        let read_s = self.format.seconds(read);
        self.damage.push(match damage {
            Damage::EndsEarly(declared) => ends_early(self.format, read, declared / frame),
            Damage::NoSize => format!(
                "its header was never completed, as when a recorder loses power; all {read_s:.3} s were read"
            ),
            Damage::GoesOn(declared) => {
                let declared_s = self.format.seconds(declared / frame);
                format!("its header declares {declared_s:.3} s, but its sound goes on to {read_s:.3} s")
            }
        });
    }
}

impl SoundReader for PcmSound {
    fn next_block(&mut self, block: &mut Vec<f32>) -> Result<Option<AudioFormat>, Failure> {
        block.clear();
        loop {
            let read = self.data.read(&mut self.bytes)?;
            self.read_bytes += read as u64;
            let frame = self.data.format().block_bytes;
            let whole = read - read % frame;
            if whole > 0 {
                self.encoding.decode(&self.bytes[..whole], block);
                return Ok(Some(self.format));
            }
            if !self.next_chunk()? {
                return Ok(None);
            }
        }
    }

    fn stated_frames(&self) -> Option<u64> {
        self.stated_frames
    }

    fn damage(&self) -> Vec<String> {
        self.damage.clone()
    }
}

fn audio_format(format: &Format) -> AudioFormat {
    AudioFormat {
        rate_hz: format.rate_hz,
        channels: format.channels,
    }
}

fn block_of(format: &Format) -> Vec<u8> {
    let frames = (BLOCK_SAMPLES / usize::from(format.channels)).max(1);
    vec![0; frames * format.block_bytes]
}

fn encoding(data: &mut Data, format: &Format) -> Result<Encoding, Failure> {
    match &format.codec {
        Codec::Pcm(encoding) => Ok(*encoding),
        Codec::PcmIn32Bits => Ok(match in_lower_bytes(data.peek(1 << 16)?) {
            true => Encoding::S24leIn32,
            false => Encoding::S32le,
        }),
        _ => Err(Failure::Unsupported(
            "it changes from uncompressed to compressed sound".into(),
        )),
    }
}

/// Whether 24-bit samples lie in the lower 3 of 4 bytes: the highest byte repeats their sign.
/// The standard has them in the upper 3.
fn in_lower_bytes(bytes: &[u8]) -> bool {
    let samples = bytes.as_chunks::<4>().0;
    let repeats_sign = |[_, _, c, d]: &[u8; 4]| *d == if c & 0x80 == 0 { 0 } else { 0xFF };
    samples.iter().any(|sample| sample[0] != 0) && samples.iter().all(repeats_sign)
}
