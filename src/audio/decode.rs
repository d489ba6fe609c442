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

use crate::audio::packet_clock::PacketClock;
use crate::audio::{AudioError, AudioFormat};

/// A stretch that cannot be decoded becomes silence, but never of more than this: its length is
/// only a number in a file that is broken already.
const MAX_SILENCE_FRAMES: u64 = 1 << 20;
/// Padding at the end of a sound is shorter than this in every format: an mp3 tag has 12 bits
/// for it, a Vorbis block 8192 samples. What is longer is sound behind a wrong length.
const MAX_PADDING_FRAMES: usize = 1 << 14;
/// At the start of a file so many packets may be undecodable before it is refused.
const MAX_UNDECODABLE_AT_START: u32 = 32;

const READABLE: &str = "wav, flac, mp3, ogg (vorbis), m4a (aac, alac) or aiff";

/// Decodes one file from its beginning to its end.
///
/// Encoder delay and padding are trimmed where file and codec tell them (mp3, vorbis, flac), so
/// that frame n is n / rate seconds into the sound. AAC does not tell: its sound is late by what
/// the encoder put in front, 1024 frames (ffmpeg) to 2112 (Apple), 23 to 48 ms at 44.1 kHz.
pub struct Decoder {
    path: PathBuf,
    reader: Box<dyn FormatReader>,
    codec: Box<dyn AudioDecoder>,
    track_id: u32,
    format: AudioFormat,
    duration_frames: Option<u64>,
    clock: PacketClock,
    block: Vec<f32>,
    /// The end of the block before, which is padding unless more sound follows: the demuxer takes
    /// some time stamps in the middle of an ogg file for the end.
    withheld: Vec<f32>,
    packet_samples: Vec<f32>,
    /// The block was decoded by [`Decoder::open`] and not handed out yet.
    block_is_waiting: bool,
    /// Frames of all blocks so far, the waiting one included.
    decoded_frames: u64,
    undecodable_packets: u32,
    silenced_frames: u64,
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
            undecodable_packets: 0,
            silenced_frames: 0,
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

    /// What is wrong with the file, a sentence: it ends too early, or packets could not be
    /// decoded. Told once [`Decoder::next_block`] has returned `None`.
    pub fn damaged(&self) -> Option<&str> {
        if self.ended {
            self.damage.as_deref()
        } else {
            None
        }
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
                self.clock = PacketClock::of(track);
                self.codec = make_codec(track, &self.path)?;
                // Padding of the part that has ended.
                self.withheld.clear();
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
                let heard_s = self.seconds(self.decoded_frames);
                self.damage = Some(format!("it is cut off after {heard_s:.3} s"));
                return Ok(Step::End);
            }
        };
        if packet.track_id != self.track_id {
            return Ok(Step::Nothing);
        }
        self.clock.see(&packet, self.decoded_frames);
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
                self.accept(format)?;
                self.assemble_block(&packet);
                if self.block.is_empty() {
                    return Ok(Step::Nothing);
                }
                self.decoded_frames += (self.block.len() / usize::from(format.channels)) as u64;
                Ok(Step::Block)
            }
            Err(_) => {
                self.undecodable_packets += 1;
                Ok(Step::Nothing)
            }
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
                after_s: self.seconds(self.decoded_frames),
                from: self.format,
                to: format,
            });
        }
        Ok(())
    }

    /// Makes the block of what is kept of the packet's samples; before them what was withheld,
    /// if it turns out to be no padding, and silence where something is missing.
    fn assemble_block(&mut self, packet: &Packet) {
        let channels = usize::from(self.format.channels);
        let frames = self.packet_samples.len() / channels;
        let told = |ticks: u64| usize::try_from(ticks).unwrap_or(usize::MAX).min(frames);
        let start = told(packet.trim_start.get());
        let end = (frames - told(packet.trim_end.get())).max(start);
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

    /// How many frames the packet's time stamp says are missing before it.
    fn missing_frames_before(&mut self, packet: &Packet) -> u64 {
        let waiting = (self.block.len() / usize::from(self.format.channels)) as u64;
        let here = self.decoded_frames + waiting;
        let missing = self.clock.missing_frames(packet, here, self.format.rate_hz);
        let filled = missing.min(MAX_SILENCE_FRAMES);
        if filled > 0 {
            self.silenced_frames += filled;
            self.clock.set(packet, here + filled);
        }
        filled
    }

    fn end(&mut self) {
        self.ended = true;
        let mut faults: Vec<String> = self.damage.take().into_iter().collect();
        if faults.is_empty()
            && let Some(told) = self.duration_frames
            && told > self.decoded_frames
        {
            let (heard_s, told_s) = (self.seconds(self.decoded_frames), self.seconds(told));
            faults.push(format!(
                "it ends after {heard_s:.3} s and says it has {told_s:.3} s"
            ));
        }
        if self.undecodable_packets > 0 {
            faults.push(format!(
                "{} packets could not be decoded",
                self.undecodable_packets
            ));
        }
        if self.silenced_frames > 0 {
            let silenced_s = self.seconds(self.silenced_frames);
            faults.push(format!(
                "{silenced_s:.3} s of it are missing and were left silent"
            ));
        }
        if !faults.is_empty() {
            let damage = format!("{} is damaged: {}", self.path.display(), faults.join("; "));
            tracing::warn!("{damage}");
            self.damage = Some(damage);
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
        .make_audio_decoder(parameters, &AudioDecoderOptions::default().gapless(false))
        .map_err(|e| broken(path, &e.to_string()))
}

fn broken(path: &Path, reason: &str) -> AudioError {
    AudioError::Broken {
        path: path.into(),
        reason: reason.into(),
    }
}
