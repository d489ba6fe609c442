//! Decoding of sound files, block by block: wav, flac, mp3, ogg/vorbis, m4a (aac, alac), aiff.

mod damage;
mod open;
mod packet_clock;

use std::path::{Path, PathBuf};

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::packet::Packet;

use self::damage::{Damage, seconds};
use self::open::{broken, make_codec, open_container};
use self::packet_clock::PacketClock;
use crate::audio::{AudioError, AudioFormat};

/// Longest silence in place of a stretch that cannot be decoded. Its length is only a number in a
/// file that is damaged already.
const MAX_SILENCE_FRAMES: u64 = 1 << 20;
/// Padding at the end of a sound is shorter than this in every format: an mp3 tag has 12 bits for
/// it, a Vorbis block 8192 samples. A longer stretch is sound that a wrong length cut off.
const MAX_PADDING_FRAMES: usize = 1 << 14;
/// A file is refused when more packets than this are undecodable before the first sound.
const MAX_UNDECODABLE_AT_START: u32 = 32;

/// Decodes one file from its beginning to its end.
///
/// Encoder delay and padding are trimmed where file and codec state them (mp3, vorbis, flac), so
/// that frame n is n / rate seconds into the sound. AAC files do not: their sound is late by the
/// encoder's delay, 1024 frames (ffmpeg) to 2112 (Apple), 23 to 48 ms at 44.1 kHz.
pub struct Decoder {
    path: PathBuf,
    reader: Box<dyn FormatReader>,
    codec: Box<dyn AudioDecoder>,
    track_id: u32,
    /// 0 Hz and no channels before the first sound is decoded.
    format: AudioFormat,
    duration_frames: Option<u64>,
    clock: PacketClock,
    block: Vec<f32>,
    /// The end of the previous block, which is padding unless more sound follows: the demuxer
    /// takes some time stamps in the middle of an ogg file for the end.
    withheld: Vec<f32>,
    packet_samples: Vec<f32>,
    /// [`Decoder::open`] decoded the block, and it was not returned yet.
    block_is_waiting: bool,
    /// Frames of all blocks so far, including the waiting one.
    decoded_frames: u64,
    damage: Damage,
    /// Set at the end.
    damage_report: Option<String>,
    ended: bool,
}

/// The result of one packet.
enum Step {
    /// [`Decoder::block`] is filled.
    Block,
    /// No sound.
    Nothing,
    /// There are no more packets.
    End,
}

impl Decoder {
    /// Opens `path` and decodes as far as the first sound.
    ///
    /// # Errors
    /// When the file cannot be read, is of no supported format, or has no sound.
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        Self::begin(path, open_container(path)?)
    }

    /// Shim.
    pub fn from_reader(
        name: impl Into<PathBuf>,
        stream: impl std::io::Read + Send + Sync + 'static,
    ) -> Result<Self, AudioError> {
        let name = name.into();
        let source = symphonia::core::io::ReadOnlySource::new(stream);
        let reader = self::open::probe(&name, Box::new(source))?;
        Self::begin(&name, reader)
    }

    fn begin(path: &Path, reader: Box<dyn FormatReader>) -> Result<Self, AudioError> {
        let track = reader
            .default_track(TrackType::Audio)
            .ok_or_else(|| broken(path, "it holds no audio track of a supported format"))?;
        let track_id = track.id;
        let (duration_frames, clock) = (track.num_frames, PacketClock::of(track));
        let codec = make_codec(track, path)?;
        let mut decoder = Self {
            path: path.into(),
            reader,
            codec,
            track_id,
            format: AudioFormat {
                rate_hz: 0,
                channels: 0,
            },
            duration_frames,
            clock,
            block: Vec::new(),
            withheld: Vec::new(),
            packet_samples: Vec::new(),
            block_is_waiting: false,
            decoded_frames: 0,
            damage: Damage::default(),
            damage_report: None,
            ended: false,
        };
        decoder.decode_first_block()?;
        Ok(decoder)
    }

    /// Sample rate and channel count, the same for the whole file.
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// Length in frames, if the file states it.
    pub fn duration_frames(&self) -> Option<u64> {
        self.duration_frames
    }

    /// A sentence about what is wrong with the file: it ends too early, packets could not be
    /// decoded, or sound is missing. `None` until [`Decoder::next_block`] has returned `None`.
    pub fn damaged(&self) -> Option<&str> {
        self.damage_report.as_deref()
    }

    /// The next interleaved samples, whole frames; `None` at the end. A truncated file ends where
    /// it breaks off, which [`Decoder::damaged`] reports.
    ///
    /// # Errors
    /// When the file cannot be read any further or changes its format.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        if !std::mem::take(&mut self.block_is_waiting) {
            self.decode_block()?;
        }
        if self.ended {
            return Ok(None);
        }
        Ok(Some(&self.block))
    }

    fn decode_first_block(&mut self) -> Result<(), AudioError> {
        loop {
            match self.step()? {
                Step::Block => break,
                Step::Nothing if self.damage.undecodable_packets > MAX_UNDECODABLE_AT_START => {
                    return Err(broken(&self.path, "its sound cannot be decoded"));
                }
                Step::Nothing => {}
                Step::End => return Err(broken(&self.path, "it holds no sound")),
            }
        }
        self.block_is_waiting = true;
        Ok(())
    }

    /// Fills `block` with the next sound, or sets `ended`.
    fn decode_block(&mut self) -> Result<(), AudioError> {
        while !self.ended {
            match self.step()? {
                Step::Block => return Ok(()),
                Step::Nothing => {}
                Step::End => self.end(),
            }
        }
        Ok(())
    }

    /// Reads and decodes one packet.
    fn step(&mut self) -> Result<Step, AudioError> {
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Step::End),
            Err(SymphoniaError::ResetRequired) => {
                // A chained ogg file: another complete sound follows in the same file.
                let track = self
                    .reader
                    .default_track(TrackType::Audio)
                    .ok_or_else(|| broken(&self.path, "its second part holds no audio track"))?;
                self.track_id = track.id;
                self.clock = PacketClock::of(track);
                self.codec = make_codec(track, &self.path)?;
                // The padding of the part that has ended.
                self.withheld.clear();
                // The length that was stated at the start is that of the first part.
                self.duration_frames = None;
                return Ok(Step::Nothing);
            }
            Err(SymphoniaError::IoError(e)) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
                return Err(AudioError::Read {
                    path: self.path.clone(),
                    reason: e.to_string(),
                });
            }
            // After any other error no later packet can be found.
            Err(_) => {
                self.damage.cut_off_after_s = Some(self.position_s());
                return Ok(Step::End);
            }
        };
        if packet.track_id != self.track_id {
            return Ok(Step::Nothing);
        }
        self.clock.start(&packet, self.decoded_frames);
        match self.codec.decode(&packet) {
            Ok(decoded) => {
                let spec = decoded.spec();
                let format = AudioFormat {
                    rate_hz: spec.rate(),
                    channels: u16::try_from(spec.channels().count()).unwrap_or(u16::MAX),
                };
                decoded.copy_to_vec_interleaved(&mut self.packet_samples);
                if self.packet_samples.is_empty() {
                    return Ok(Step::Nothing);
                }
                self.check_format(format)?;
                self.assemble_block(&packet);
                if self.block.is_empty() {
                    return Ok(Step::Nothing);
                }
                self.decoded_frames += (self.block.len() / usize::from(format.channels)) as u64;
                Ok(Step::Block)
            }
            Err(_) => {
                self.damage.undecodable_packets += 1;
                Ok(Step::Nothing)
            }
        }
    }

    /// Takes the format of the first sound; refuses any other afterwards.
    fn check_format(&mut self, format: AudioFormat) -> Result<(), AudioError> {
        if format.channels == 0 || format.rate_hz == 0 {
            return Err(broken(&self.path, "it has no channels or no sample rate"));
        }
        if self.format.channels == 0 {
            self.format = format;
        }
        if format != self.format {
            return Err(AudioError::FormatChange {
                path: self.path.clone(),
                after_s: self.position_s(),
                from: self.format,
                to: format,
            });
        }
        Ok(())
    }

    /// Fills `block` with the samples of the packet that are not trimmed. Before them it puts the
    /// withheld samples, if they turn out not to be padding, and silence for missing sound.
    fn assemble_block(&mut self, packet: &Packet) {
        let channels = usize::from(self.format.channels);
        let frames = self.packet_samples.len() / channels;
        let trimmed = |ticks: u64| usize::try_from(ticks).unwrap_or(usize::MAX).min(frames);
        let start = trimmed(packet.trim_start.get());
        let end = (frames - trimmed(packet.trim_end.get())).max(start);
        let (start, end) = (start * channels, end * channels);
        self.block.clear();
        if end > start || self.withheld.len() > MAX_PADDING_FRAMES * channels {
            std::mem::swap(&mut self.block, &mut self.withheld);
        }
        if end > start {
            let silence = self.missing_frames_before(packet) as usize * channels;
            self.block.resize(self.block.len() + silence, 0.0);
        }
        self.block
            .extend_from_slice(&self.packet_samples[start..end]);
        self.withheld.extend_from_slice(&self.packet_samples[end..]);
    }

    /// Number of frames to fill with silence before the packet, by its time stamp.
    fn missing_frames_before(&mut self, packet: &Packet) -> u64 {
        let waiting = (self.block.len() / usize::from(self.format.channels)) as u64;
        let here = self.decoded_frames + waiting;
        let missing = self.clock.missing_frames(packet, here, self.format.rate_hz);
        let filled = missing.min(MAX_SILENCE_FRAMES);
        if filled > 0 {
            self.damage.silenced_frames += filled;
            self.clock.set(packet, here + filled);
        }
        filled
    }

    fn end(&mut self) {
        self.ended = true;
        self.damage_report = self.damage.report(
            &self.path,
            self.format.rate_hz,
            self.decoded_frames,
            self.duration_frames,
        );
        if let Some(report) = &self.damage_report {
            tracing::warn!("{report}");
        }
    }

    /// Duration of the sound so far, in seconds.
    pub fn position_s(&self) -> f64 {
        seconds(self.decoded_frames, self.format.rate_hz)
    }
}
