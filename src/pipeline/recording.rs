//! A recording that is read from its beginning to its end: decoded, and its chosen channels mixed to mono.

use std::fmt::{self, Display};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::audio::{
    AudioError, AudioFormat, ChannelChoice, ChannelError, ChannelMap, ChannelWatch, Decoder,
    PcmFormat, PipeReader, RawDecoder, StopFlag, WholeFile,
};

/// Where a recording comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input, to its end.
    Stdin,
    /// A FIFO, until its writer leaves.
    Fifo(PathBuf),
}

impl Input {
    /// Its path; `-` for standard input.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Fifo(path) => path,
            Self::Stdin => Path::new("-"),
        }
    }

    /// Its name in messages.
    fn name(&self) -> PathBuf {
        match self {
            Self::File(path) | Self::Fifo(path) => path.clone(),
            Self::Stdin => "stdin".into(),
        }
    }
}

impl Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().display().fmt(f)
    }
}

/// How recordings are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// The channels that are mixed to mono.
    pub channels: ChannelChoice,
    /// The format of recordings that are raw samples; others are recognised by their content.
    pub raw: Option<PcmFormat>,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It cannot be decoded.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// What comes through a pipe is no sound file.
    #[error(
        "{} gives no sound file that can be read: raw samples are declared with --raw, --rate and --channels",
        name.display()
    )]
    Undeclared {
        /// The pipe.
        name: PathBuf,
    },
    /// Its channels cannot be mixed.
    #[error("{}: {problem}", name.display())]
    Channels {
        /// The recording.
        name: PathBuf,
        /// What is wrong with the channels.
        problem: ChannelError,
    },
}

/// A recording being read.
pub(super) struct Recording {
    name: PathBuf,
    sound: Sound,
    choice: ChannelChoice,
    format: AudioFormat,
    map: ChannelMap,
    watch: ChannelWatch,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    /// Read so far in the present format.
    frames: u64,
    /// Read in earlier formats, in seconds.
    earlier_s: f64,
    warnings: Vec<String>,
}

enum Sound {
    Decoded(Box<Decoder>),
    Raw {
        decoder: Box<RawDecoder>,
        /// `None` for a pipe.
        file: Option<WholeFile>,
    },
}

/// Mono samples.
pub(super) struct Block<'a> {
    pub mono: &'a [f32],
    pub rate_hz: u32,
    /// Time at the end of the block, in seconds.
    pub end_s: f64,
}

impl Recording {
    pub fn open(
        input: &Input,
        options: &ReadOptions,
        stop: &StopFlag,
    ) -> Result<Self, RecordingError> {
        let name = input.name();
        let sound = Sound::open(input, options.raw, stop)?;
        let format = sound.format();
        let map = channel_map(&name, &options.channels, format)?;
        Ok(Self {
            name,
            sound,
            choice: options.channels.clone(),
            format,
            watch: map.watch(format.rate_hz),
            map,
            interleaved: Vec::new(),
            mono: Vec::new(),
            frames: 0,
            earlier_s: 0.0,
            warnings: Vec::new(),
        })
    }

    /// Format of the last block, at first of the next one.
    pub fn format(&self) -> AudioFormat {
        self.format
    }

    /// Length in seconds, if it is stated.
    pub fn expected_s(&self) -> Option<f64> {
        match &self.sound {
            Sound::Decoded(decoder) => {
                let frames = decoder.duration_frames()?;
                Some(frames as f64 / f64::from(self.format.rate_hz))
            }
            Sound::Raw { .. } => None,
        }
    }

    /// Time at the end of the last block, in seconds.
    pub fn position_s(&self) -> f64 {
        self.earlier_s + self.frames as f64 / f64::from(self.format.rate_hz)
    }

    /// What is wrong with the file, known at its end.
    pub fn damage(&self) -> Option<&str> {
        match &self.sound {
            Sound::Decoded(decoder) => decoder.damaged(),
            Sound::Raw { .. } => None,
        }
    }

    /// What makes the labels doubtful, known at the end.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The next samples; `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, RecordingError> {
        let Some(format) = self.sound.next_block(&mut self.interleaved)? else {
            self.end_format();
            self.warnings.extend_from_slice(match &self.sound {
                Sound::Decoded(decoder) => decoder.notes(),
                Sound::Raw { decoder, .. } => decoder.warnings(),
            });
            if let Sound::Raw {
                file: Some(file), ..
            } = &self.sound
            {
                self.warnings.extend(file.change().map(str::to_owned));
            }
            for warning in &self.warnings {
                tracing::warn!("{}: {warning}", self.name.display());
            }
            return Ok(None);
        };
        if format != self.format {
            self.end_format();
            self.earlier_s = self.position_s();
            self.frames = 0;
            self.format = format;
            self.map = channel_map(&self.name, &self.choice, format)?;
            self.watch = self.map.watch(format.rate_hz);
        }
        self.mono.clear();
        self.map.mix(&self.interleaved, &mut self.mono);
        self.watch.push(&self.interleaved, &self.mono);
        self.frames += self.mono.len() as u64;
        Ok(Some(Block {
            end_s: self.position_s(),
            mono: &self.mono,
            rate_hz: format.rate_hz,
        }))
    }

    /// Collects what was noticed about the channels of the present format.
    fn end_format(&mut self) {
        self.map.log_silenced(&self.name.display().to_string());
        let faults = self.watch.faults().into_iter();
        self.warnings.extend(
            faults.map(|(fault, s, of_s)| format!("{fault} (in {s} of {of_s} s with sound)")),
        );
    }
}

impl Sound {
    fn open(
        input: &Input,
        raw: Option<PcmFormat>,
        stop: &StopFlag,
    ) -> Result<Self, RecordingError> {
        let pipe = match input {
            Input::File(_) => None,
            Input::Stdin => Some(PipeReader::stdin(stop.clone())?),
            Input::Fifo(path) => Some(PipeReader::fifo(path, stop.clone())?),
        };
        let path = input.path();
        Ok(match (pipe, raw) {
            (None, None) => Self::Decoded(Box::new(Decoder::open(path)?)),
            (Some(pipe), None) => match Decoder::from_reader(input.name(), pipe) {
                Err(AudioError::NotAudio { path, .. }) => {
                    return Err(RecordingError::Undeclared { name: path });
                }
                decoder => Self::Decoded(Box::new(decoder?)),
            },
            (None, Some(raw)) => {
                let (file, state) = WholeFile::open(path)?;
                let bytes = Box::new(file.take(state.bytes()));
                Self::Raw {
                    decoder: Box::new(RawDecoder::new(bytes, input.name(), raw)?),
                    file: Some(state),
                }
            }
            (Some(pipe), Some(raw)) => Self::Raw {
                decoder: Box::new(RawDecoder::new(Box::new(pipe), input.name(), raw)?),
                file: None,
            },
        })
    }

    fn format(&self) -> AudioFormat {
        match self {
            Self::Decoded(decoder) => decoder.format(),
            Self::Raw { decoder, .. } => decoder.format(),
        }
    }

    /// Replaces `interleaved` by the next samples, whose format is returned; `None` at the end.
    fn next_block(
        &mut self,
        interleaved: &mut Vec<f32>,
    ) -> Result<Option<AudioFormat>, AudioError> {
        let block = match self {
            Self::Decoded(decoder) => decoder.next_block()?,
            Self::Raw { decoder, .. } => decoder.next_block()?,
        };
        let Some(block) = block else {
            return Ok(None);
        };
        interleaved.clear();
        interleaved.extend_from_slice(block);
        Ok(Some(self.format()))
    }
}

fn channel_map(
    name: &Path,
    choice: &ChannelChoice,
    format: AudioFormat,
) -> Result<ChannelMap, RecordingError> {
    ChannelMap::new(choice, format.channels).map_err(|problem| RecordingError::Channels {
        name: name.into(),
        problem,
    })
}
