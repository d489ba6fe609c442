//! Opens a sound: recognises its format, chooses its reader and decodes the first sound.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tempfile::NamedTempFile;

use super::containers::{Container, Known};
use super::elementary::Elementary;
use super::failure::Failure;
use super::ffmpeg::Ffmpeg;
use super::guard::guarded;
use super::input::{Input, PEEK_BYTES};
use super::packets::PacketReader;
use super::sniff::{Kind, sniff};
use super::spool::spool;
use super::{SoundReader, caf, matroska, mp4_edits, next_block, tags, wave};
use crate::audio::AudioFormat;

/// A sound and its first block.
pub(super) struct Opened {
    pub reader: Box<dyn SoundReader>,
    pub block: Vec<f32>,
    pub format: AudioFormat,
    /// Sentences about what the labels of the sound do not cover.
    pub notes: Vec<String>,
}

/// Opens a file: by a reader of this program, else by ffmpeg.
pub(super) fn file(path: &Path, file: File) -> Result<Opened, Failure> {
    let mut input = Input::file(file)?;
    let kind = recognise(&mut input)?;
    let failure = match own_reader(input, &kind) {
        Ok(opened) => return Ok(opened),
        Err(failure) => failure,
    };
    let what = match (&failure, &kind) {
        (_, Kind::Text | Kind::Wave(_)) if !matches!(failure, Failure::Unsupported(_)) => {
            return Err(failure);
        }
        (Failure::Io(_), _) => return Err(failure),
        (_, Kind::Foreign(name)) => Some((*name).to_owned()),
        (Failure::Unsupported(_), _) => Some(format!("of a kind ({failure})")),
        _ => None,
    };
    let by_ffmpeg = guarded(|| {
        let ffmpeg = Ffmpeg::start(path)?;
        let notes = ffmpeg.note().into_iter().collect();
        Ok(Opened {
            notes,
            ..first_block(Box::new(ffmpeg))?
        })
    });
    match (by_ffmpeg, what) {
        (Ok(opened), _) => Ok(opened),
        (Err(Failure::NeedsFfmpeg(_)), Some(what)) => Err(Failure::NeedsFfmpeg(what)),
        // ffmpeg knows no more about it.
        (Err(_), None) => Err(failure),
        (Err(by_ffmpeg), Some(_)) => Err(by_ffmpeg),
    }
}

/// Opens a stream. What must be read out of order, and what only ffmpeg reads, is kept in a
/// temporary file.
pub(super) fn stream(stream: impl Read + Send + Sync + 'static) -> Result<Opened, Failure> {
    let mut input = Input::stream(stream);
    if input.peek(1)?.is_empty() {
        return Err(Failure::broken("it ended without a byte"));
    }
    let kind = recognise(&mut input)?;
    match kind {
        Kind::Indexed | Kind::Foreign(_) | Kind::Unknown => {
            let kept = spool(&mut input)?;
            let opened = file(kept.path(), kept.reopen()?)?;
            Ok(Opened {
                reader: Box::new(Kept {
                    reader: opened.reader,
                    _file: kept,
                }),
                ..opened
            })
        }
        kind => own_reader(input, &kind).map_err(|failure| match failure {
            Failure::Unsupported(reason) => Failure::broken(format!(
                "{reason}; save the stream to a file, which ffmpeg may decode"
            )),
            failure => failure,
        }),
    }
}

/// Reads past tags; what begins after them.
fn recognise(input: &mut Input) -> Result<Kind, Failure> {
    while tags::skip(input)? {}
    let kind = sniff(input)?;
    if let Kind::Elementary(_, junk) = kind {
        input.skip(junk)?;
    }
    input.set_origin();
    Ok(kind)
}

/// A reader of this program.
fn own_reader(mut input: Input, kind: &Kind) -> Result<Opened, Failure> {
    guarded(|| {
        first_block(match kind {
            Kind::Wave(dialect) => wave::open(input, *dialect)?,
            Kind::Elementary(syntax, _) => {
                Box::new(PacketReader::new(Elementary::new(input, *syntax))?)
            }
            Kind::Container => {
                let known = matroska::known(input.peek(PEEK_BYTES)?);
                return container(input, known);
            }
            Kind::Indexed => {
                let known = mp4_edits::known(&mut input)?;
                if input.peek(4)? == b"caff" {
                    caf::state_size(&mut input)?;
                }
                return container(input, known);
            }
            Kind::Foreign(_) | Kind::Text | Kind::Unknown => return Err(Failure::Unknown),
        })
    })
}

fn container(input: Input, known: Known) -> Result<Opened, Failure> {
    let notes = known.notes();
    let reader = PacketReader::new(Container::open(input, known)?)?;
    Ok(Opened {
        notes,
        ..first_block(Box::new(reader))?
    })
}

fn first_block(mut reader: Box<dyn SoundReader>) -> Result<Opened, Failure> {
    let mut block = Vec::new();
    let format = next_block(reader.as_mut(), &mut block)?;
    Ok(Opened {
        format: format.ok_or_else(|| Failure::broken("it holds no sound"))?,
        reader,
        block,
        notes: Vec::new(),
    })
}

/// A reader whose temporary file lives as long.
struct Kept {
    reader: Box<dyn SoundReader>,
    _file: NamedTempFile,
}

impl SoundReader for Kept {
    fn next_block(&mut self, block: &mut Vec<f32>) -> Result<Option<AudioFormat>, Failure> {
        self.reader.next_block(block)
    }

    fn stated_frames(&self) -> Option<u64> {
        self.reader.stated_frames()
    }

    fn damage(&self) -> Vec<String> {
        self.reader.damage()
    }
}
