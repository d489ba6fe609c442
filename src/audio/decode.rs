//! Decoding of sounds, block by block.
//!
//! [`Decoder`] recognises a sound by its content, never by its name. `docs/sound-formats.md` lists the
//! formats, by what they are read, and the limits.

mod caf;
mod codecs;
mod containers;
mod damage;
mod elementary;
mod failure;
mod ffmpeg;
mod ffmpeg_tracks;
mod guard;
mod input;
mod matroska;
mod mp4_edits;
mod open;
mod opus;
mod packet_clock;
mod packets;
mod sniff;
mod spool;
mod tags;
mod wave;

use std::io::Read;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use self::failure::Failure;
use self::guard::guarded;
use self::open::Opened;
use crate::audio::{AudioError, AudioFormat, WholeFile};

/// Channels of a sound at most.
pub const MAX_CHANNELS: u16 = 256;
/// Sample rates that can be resampled. ffmpeg converts from others.
const RATES_HZ: RangeInclusive<u32> = 8_000..=192_000;
/// Samples of a block that is made here, at most, unless a single frame has more.
const BLOCK_SAMPLES: usize = 1 << 14;

/// A sound whose format was recognised.
trait SoundReader: Send {
    /// Replaces `block` by the next interleaved samples, whole frames; their format. `None` at
    /// the end.
    fn next_block(&mut self, block: &mut Vec<f32>) -> Result<Option<AudioFormat>, Failure>;

    /// Length in frames, if the header states it.
    fn stated_frames(&self) -> Option<u64>;

    /// What is wrong with the sound, known at its end.
    fn damage(&self) -> Vec<String>;
}

/// Decodes one sound from its beginning to its end.
///
/// Encoder delay and padding are trimmed where the file states them, so that frame n is n / rate
/// seconds into the sound.
pub struct Decoder {
    path: PathBuf,
    /// `None` for a stream.
    file: Option<WholeFile>,
    /// `None` at the end.
    reader: Option<Box<dyn SoundReader>>,
    /// Of `block`.
    format: AudioFormat,
    stated_frames: Option<u64>,
    block: Vec<f32>,
    /// The first block was decoded, and it was not returned yet.
    block_is_waiting: bool,
    /// Frames in the current format up to the end of the last block that was returned.
    frames: u64,
    /// Seconds of sound in earlier formats.
    earlier_s: f64,
    damage_report: Option<String>,
    notes: Vec<String>,
}

impl Decoder {
    /// Opens `path` and decodes as far as the first sound.
    ///
    /// # Errors
    /// When the file cannot be read, is of no supported format, or has no sound.
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        let (file, state) = WholeFile::open(path)?;
        Self::begin(path, open::file(path, file), Some(state))
    }

    /// Decodes a stream that need not seek, as standard input; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub fn from_reader(
        name: impl Into<PathBuf>,
        stream: impl Read + Send + Sync + 'static,
    ) -> Result<Self, AudioError> {
        Self::begin(&name.into(), open::stream(stream), None)
    }

    fn begin(
        path: &Path,
        opened: Result<Opened, Failure>,
        file: Option<WholeFile>,
    ) -> Result<Self, AudioError> {
        let opened = opened.map_err(|failure| error_of(path, failure))?;
        Ok(Self {
            path: path.into(),
            file,
            stated_frames: opened.reader.stated_frames(),
            reader: Some(opened.reader),
            format: opened.format,
            block: opened.block,
            block_is_waiting: true,
            frames: 0,
            earlier_s: 0.0,
            damage_report: None,
            notes: opened.notes,
        })
    }

    /// Sample rate and channel count of the block that [`Decoder::next_block`] returned last, at
    /// first of the one that it will return. They may change from block to block: in a chained
    /// ogg file, or when mp3 files were joined.
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// Length in frames of the format at the start, if the file states it.
    pub fn duration_frames(&self) -> Option<u64> {
        self.stated_frames
    }

    /// Time at the end of the block that [`Decoder::next_block`] returned last, in seconds.
    pub fn position_s(&self) -> f64 {
        self.earlier_s + self.format.seconds(self.frames)
    }

    /// A sentence about what is wrong with the file: it ends too early, packets could not be
    /// decoded, or sound is missing. `None` until [`Decoder::next_block`] has returned `None`.
    pub fn damaged(&self) -> Option<&str> {
        self.damage_report.as_deref()
    }

    /// Sentences about sound in the file that is not read, as of further audio tracks.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The next interleaved samples, whole frames; `None` at the end. A truncated file ends where
    /// it breaks off, which [`Decoder::damaged`] reports.
    ///
    /// # Errors
    /// When the file cannot be read any further, or a library that decodes it panics.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, AudioError> {
        if !std::mem::take(&mut self.block_is_waiting) && !self.decode_block()? {
            return Ok(None);
        }
        self.frames += (self.block.len() / usize::from(self.format.channels)) as u64;
        Ok(Some(&self.block))
    }

    /// Fills `block`; `false` at the end.
    fn decode_block(&mut self) -> Result<bool, AudioError> {
        // Left out on an error: a library that has panicked is not called again.
        let Some(mut reader) = self.reader.take() else {
            return Ok(false);
        };
        let block = &mut self.block;
        let format = guarded(|| next_block(reader.as_mut(), block))
            .map_err(|failure| error_of(&self.path, failure))?;
        let Some(format) = format else {
            let mut problems = reader.damage();
            let change = self.file.as_ref().and_then(WholeFile::change);
            problems.extend(change.map(str::to_owned));
            self.report(&problems);
            return Ok(false);
        };
        if format != self.format {
            self.earlier_s = self.position_s();
            self.frames = 0;
            self.format = format;
        }
        self.reader = Some(reader);
        Ok(true)
    }

    fn report(&mut self, problems: &[String]) {
        if !problems.is_empty() {
            let problems = problems.join("; ");
            let report = format!("{} is damaged: {problems}", self.path.display());
            tracing::warn!("{report}");
            self.damage_report = Some(report);
        }
    }
}

/// The next block of a reader, within the limits.
fn next_block(
    reader: &mut dyn SoundReader,
    block: &mut Vec<f32>,
) -> Result<Option<AudioFormat>, Failure> {
    let Some(format) = reader.next_block(block)? else {
        return Ok(None);
    };
    if format.channels > MAX_CHANNELS {
        let channels = format.channels;
        return Err(Failure::broken(format!(
            "it has {channels} channels, and at most {MAX_CHANNELS} are read"
        )));
    }
    if !RATES_HZ.contains(&format.rate_hz) {
        let (rate_hz, least, most) = (format.rate_hz, RATES_HZ.start(), RATES_HZ.end());
        return Err(Failure::Unsupported(format!(
            "its sample rate of {rate_hz} Hz is not within {least} to {most} Hz"
        )));
    }
    Ok(Some(format))
}

/// The error of a file, for this failure.
fn error_of(path: &Path, failure: Failure) -> AudioError {
    let path = path.to_owned();
    match failure {
        Failure::Unknown => AudioError::NotAudio { path },
        Failure::Unsupported(reason) | Failure::Broken(reason) => {
            AudioError::Broken { path, reason }
        }
        Failure::NeedsFfmpeg(what) => AudioError::NeedsFfmpeg { path, what },
        Failure::Panicked(reason) => AudioError::Panicked { path, reason },
        Failure::Io(e) => AudioError::Read {
            path,
            reason: e.to_string(),
        },
    }
}
