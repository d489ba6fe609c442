//! A sound file, decoded block by block: wav, flac, mp3, ogg/vorbis, m4a (aac, alac), aiff.

use std::fs::File;
use std::path::{Path, PathBuf};

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;

use super::{AudioError, AudioFormat};

/// A packet that cannot be decoded becomes silence of its own length, but never of more than
/// this: a length is only a number in a file that is broken already.
const MAX_SILENCE_FRAMES: u64 = 1 << 20;
/// At the start of a file so many packets may be undecodable before it is refused.
const MAX_UNDECODABLE_AT_START: u32 = 32;

const READABLE: &str = "wav, flac, mp3, ogg (vorbis), m4a (aac, alac) or aiff";

/// Decodes one file from its beginning to its end.
///
/// Encoder delay and padding are trimmed where file and codec tell them (mp3, vorbis, flac), so
/// that frame n is n / rate seconds into the sound.
pub struct Decoder {
    path: PathBuf,
    reader: Box<dyn FormatReader>,
    codec: Box<dyn AudioDecoder>,
    track_id: u32,
    format: AudioFormat,
    duration_frames: Option<u64>,
    time_base: Option<TimeBase>,
    block: Vec<f32>,
    /// Silence owed for packets that could not be decoded, in frames.
    owed_silence_frames: u64,
    /// The block was decoded by [`Decoder::open`] and not handed out yet.
    block_is_waiting: bool,
    delivered_frames: u64,
    undecodable_packets: u32,
    damage: Option<String>,
    ended: bool,
}

enum Step {
    Block,
    Nothing,
    End,
}

impl Decoder {
    /// Opens `path` and decodes as far as the first sound, so that a file without any fails here.
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        let file = open_regular_file(path)?;
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(
                &hint,
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
            .map_err(|e| match e {
                SymphoniaError::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
                    AudioError::Read {
                        path: path.into(),
                        reason: e.to_string(),
                    }
                }
                _ => AudioError::NotAudio {
                    path: path.into(),
                    readable: READABLE,
                },
            })?;
        let track = reader
            .default_track(TrackType::Audio)
            .ok_or_else(|| broken(path, "it holds no audio track that this program reads"))?;
        let track_id = track.id;
        let (duration_frames, time_base) = (track.num_frames, track.time_base);
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
            time_base,
            block: Vec::new(),
            owed_silence_frames: 0,
            block_is_waiting: false,
            delivered_frames: 0,
            undecodable_packets: 0,
            damage: None,
            ended: false,
        };
        decoder.decode_first_block()?;
        Ok(decoder)
    }

    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// Length in frames, where the file tells it.
    pub fn duration_frames(&self) -> Option<u64> {
        self.duration_frames
    }

    /// What is wrong with the file, as far as it was read: it ends too early, or packets could
    /// not be decoded. Complete once [`Decoder::next_block`] has returned `None`.
    pub fn damaged(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// The next interleaved samples, whole frames; `None` at the end. A file that was cut off
    /// ends where it was cut, and [`Decoder::damaged`] tells.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        if !std::mem::take(&mut self.block_is_waiting) {
            self.decode_block()?;
        }
        if self.ended {
            return Ok(None);
        }
        self.delivered_frames += (self.block.len() / usize::from(self.format.channels)) as u64;
        Ok(Some(&self.block))
    }

    fn decode_first_block(&mut self) -> Result<(), AudioError> {
        let path = self.path.clone();
        loop {
            match self.step()? {
                Step::Block => break,
                Step::Nothing if self.undecodable_packets > MAX_UNDECODABLE_AT_START => {
                    return Err(broken(&path, "its sound cannot be decoded"));
                }
                Step::Nothing => {}
                Step::End => return Err(broken(&path, "it holds no sound")),
            }
        }
        self.block_is_waiting = true;
        Ok(())
    }

    /// Fills `block` with the next sound there is, or sets `ended`.
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

    /// One packet further.
    fn step(&mut self) -> Result<Step, AudioError> {
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Step::End),
            Err(SymphoniaError::ResetRequired) => {
                // A chained ogg file: another sound of its own follows in the same file.
                let track = self
                    .reader
                    .default_track(TrackType::Audio)
                    .ok_or_else(|| broken(&self.path, "its second part holds no audio track"))?;
                self.track_id = track.id;
                self.time_base = track.time_base;
                self.codec = make_codec(track, &self.path)?;
                // The length told at the start was that of the first part.
                self.duration_frames = None;
                return Ok(Step::Nothing);
            }
            Err(SymphoniaError::IoError(e)) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
                return Err(AudioError::Read {
                    path: self.path.clone(),
                    reason: e.to_string(),
                });
            }
            // Everything else means that no later packet can be found.
            Err(_) => {
                self.damage = Some(format!(
                    "{} is cut off or broken after {:.3} s",
                    self.path.display(),
                    self.seconds(self.delivered_frames)
                ));
                return Ok(Step::End);
            }
        };
        if packet.track_id != self.track_id {
            return Ok(Step::Nothing);
        }
        match self.codec.decode(&packet) {
            Ok(decoded) => {
                let spec = decoded.spec();
                let format = AudioFormat {
                    rate_hz: spec.rate(),
                    channels: u16::try_from(spec.channels().count()).unwrap_or(u16::MAX),
                };
                decoded.copy_to_vec_interleaved(&mut self.block);
                if self.block.is_empty() {
                    return Ok(Step::Nothing);
                }
                self.accept(format)?;
                self.pay_silence();
                Ok(Step::Block)
            }
            Err(SymphoniaError::DecodeError(_) | SymphoniaError::IoError(_)) => {
                self.undecodable_packets += 1;
                self.owe_silence(&packet);
                Ok(Step::Nothing)
            }
            Err(e) => Err(broken(&self.path, &e.to_string())),
        }
    }

    /// Holds `format` to the one the file began with.
    fn accept(&mut self, format: AudioFormat) -> Result<(), AudioError> {
        if format.channels == 0 || format.rate_hz == 0 {
            return Err(broken(&self.path, "it has no channels or no sample rate"));
        }
        if self.format.channels == 0 {
            self.format = format;
        }
        if format != self.format {
            return Err(AudioError::FormatChange {
                path: self.path.clone(),
                after_s: self.seconds(self.delivered_frames),
                from: self.format,
                to: format,
            });
        }
        Ok(())
    }

    /// Notes the length of a packet that cannot be decoded.
    fn owe_silence(&mut self, packet: &Packet) {
        let ticks = u128::from(packet.dur.get());
        let frames = match (self.time_base, self.format.rate_hz) {
            (Some(base), rate_hz) if rate_hz > 0 => {
                ticks * u128::from(base.numer.get()) * u128::from(rate_hz)
                    / u128::from(base.denom.get())
            }
            _ => ticks,
        };
        let frames = u64::try_from(frames).unwrap_or(u64::MAX);
        self.owed_silence_frames = self
            .owed_silence_frames
            .saturating_add(frames)
            .min(MAX_SILENCE_FRAMES);
    }

    /// Puts the silence that is owed before the block, so that it keeps its time.
    fn pay_silence(&mut self) {
        let frames = std::mem::take(&mut self.owed_silence_frames) as usize;
        if frames > 0 {
            let samples = frames * usize::from(self.format.channels);
            self.block.splice(..0, std::iter::repeat_n(0.0, samples));
        }
    }

    fn end(&mut self) {
        self.ended = true;
        let told_s = self.duration_frames.map(|frames| self.seconds(frames));
        let heard_s = self.seconds(self.delivered_frames);
        if self.damage.is_none()
            && let Some(told_s) = told_s
            && self.duration_frames > Some(self.delivered_frames)
        {
            self.damage = Some(format!(
                "{} is cut off: it ends after {heard_s:.3} s and says it has {told_s:.3} s",
                self.path.display(),
            ));
        }
        if self.undecodable_packets > 0 {
            let place = match &self.damage {
                Some(damage) => damage.clone(),
                None => self.path.display().to_string(),
            };
            self.damage = Some(format!(
                "{place}: {} packets could not be decoded and were replaced by silence",
                self.undecodable_packets
            ));
        }
        if let Some(damage) = &self.damage {
            tracing::warn!("{damage}");
        }
    }

    fn seconds(&self, frames: u64) -> f64 {
        frames as f64 / f64::from(self.format.rate_hz.max(1))
    }
}

fn open_regular_file(path: &Path) -> Result<File, AudioError> {
    let read_error = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => AudioError::Missing { path: path.into() },
        _ => AudioError::Read {
            path: path.into(),
            reason: e.to_string(),
        },
    };
    // Asked before opening, for opening a FIFO would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(read_error)?;
    if metadata.is_dir() {
        return Err(AudioError::Directory { path: path.into() });
    }
    if !metadata.is_file() {
        return Err(AudioError::NotRegular { path: path.into() });
    }
    if metadata.len() == 0 {
        return Err(AudioError::Empty { path: path.into() });
    }
    File::open(path).map_err(read_error)
}

fn make_codec(track: &Track, path: &Path) -> Result<Box<dyn AudioDecoder>, AudioError> {
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or_else(|| broken(path, "its audio track does not say how it is coded"))?;
    if parameters
        .channels
        .as_ref()
        .is_some_and(|channels| channels.count() == 0)
    {
        return Err(broken(path, "it has no channels"));
    }
    if parameters.sample_rate == Some(0) {
        return Err(broken(path, "it has a sample rate of 0 Hz"));
    }
    symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|e| broken(path, &e.to_string()))
}

fn broken(path: &Path, reason: &str) -> AudioError {
    AudioError::Broken {
        path: path.into(),
        reason: reason.into(),
    }
}
