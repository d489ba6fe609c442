//! Opens a sound file: recognises its format and makes the codec of its audio track.

use std::fs::File;
use std::path::Path;

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use crate::audio::AudioError;

/// The supported formats, for messages.
const READABLE: &str = "wav, flac, mp3, ogg (vorbis), m4a (aac, alac) or aiff";

/// The demuxer of a sound file.
pub(super) fn open_container(path: &Path) -> Result<Box<dyn FormatReader>, AudioError> {
    let file = open_regular_file(path)?;
    probe(path, Box::new(file))
}

pub(super) fn probe(
    path: &Path,
    file: Box<dyn symphonia::core::io::MediaSource>,
) -> Result<Box<dyn FormatReader>, AudioError> {
    let mut hint = Hint::new();
    if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
        hint.with_extension(extension);
    }
    let stream = MediaSourceStream::new(file, MediaSourceStreamOptions::default());
    symphonia::default::get_probe()
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
        })
}

fn open_regular_file(path: &Path) -> Result<File, AudioError> {
    let read_error = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => AudioError::Missing { path: path.into() },
        _ => AudioError::Read {
            path: path.into(),
            reason: e.to_string(),
        },
    };
    // Checked before opening, because opening a FIFO would wait for a writer.
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

/// The codec of a track.
pub(super) fn make_codec(track: &Track, path: &Path) -> Result<Box<dyn AudioDecoder>, AudioError> {
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or_else(|| broken(path, "its audio track names no codec"))?;
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

pub(super) fn broken(path: &Path, reason: &str) -> AudioError {
    AudioError::Broken {
        path: path.into(),
        reason: reason.into(),
    }
}
