//! The bytes of the sound chunk: finds it, and decides where it ends.

use std::io::{Read as _, Seek as _, SeekFrom};

use super::super::failure::Failure;
use super::super::input::Input;
use super::chunks::{Chunks, Dialect};
use super::find::{Facts, find};
use super::format::Format;

/// What follows a sound chunk whose end the file's own size confirms, and is shorter than this in
/// seconds, is not sound.
const MAX_TRAILER_S: u64 = 1;

/// Beginnings of tags that are appended to a file.
const TAGS: [&[u8]; 4] = [b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN"];

/// A file whose sound chunk was found.
pub(super) struct Data {
    chunks: Chunks,
    format: Format,
    left: Left,
    /// Size of the current sound chunk by its header.
    declared: u64,
    /// Where the current sound chunk begins.
    start: u64,
    /// Samples of a channel by the `fact` chunk.
    pub fact_frames: Option<u64>,
    damage: Option<Damage>,
}

/// Bytes of the current sound chunk that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// This many by its header.
    Bytes(u64),
    /// All up to the end of the file.
    All,
}

/// What is wrong with the size of a sound chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// The file ends before: the chunk declares this many bytes.
    EndsEarly(u64),
    /// The header was never completed.
    NoSize,
    /// The sound goes on where the chunk should end, after this many bytes.
    GoesOn(u64),
}

impl Data {
    /// Reads up to the first byte of sound.
    pub fn open(input: Input, dialect: Dialect) -> Result<Self, Failure> {
        let mut chunks = Chunks::open(input, dialect)?;
        let mut facts = Facts::default();
        let found = find(&mut chunks, &mut facts)?;
        let format = facts.format.clone();
        let format = format.ok_or_else(|| Failure::broken("it has no format chunk"))?;
        let declared = found.ok_or_else(|| Failure::broken("it holds no sound"))?;
        let mut data = Self {
            start: chunks.input.position(),
            chunks,
            format,
            left: Left::All,
            declared: 0,
            fact_frames: facts.frames,
            damage: None,
        };
        data.begin(declared)?;
        Ok(data)
    }

    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Length of the sound in bytes, if the header states it.
    pub fn stated_bytes(&self) -> Option<u64> {
        matches!(self.left, Left::Bytes(_)).then_some(self.declared)
    }

    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// The rest of the file, as far as the sound chunk goes.
    pub fn into_input(mut self) -> Input {
        if let Left::Bytes(left) = self.left {
            self.chunks.input.end_after(left);
        }
        self.chunks.input
    }

    /// Bytes that may be looked at before they are read.
    pub fn peek(&mut self, count: usize) -> Result<&[u8], Failure> {
        Ok(self.chunks.input.peek(count)?)
    }

    /// Fills `bytes` with sound in the current format, as far as it goes. `0` when another
    /// format follows or at the end.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Failure> {
        let mut filled = 0;
        while filled < bytes.len() {
            let wanted = bytes.len() - filled;
            let allowed = match self.left {
                Left::Bytes(left) => usize::try_from(left).unwrap_or(wanted).min(wanted),
                Left::All => wanted,
            };
            let read = match allowed {
                0 => 0,
                _ => self
                    .chunks
                    .input
                    .read(&mut bytes[filled..filled + allowed])?,
            };
            filled += read;
            if let Left::Bytes(left) = &mut self.left {
                *left -= read as u64;
            }
            if read == 0 && !self.goes_on()? {
                break;
            }
        }
        Ok(filled)
    }

    /// Goes on to another sound chunk, perhaps of another format: of a file that was appended, or
    /// after another format chunk. `false` at the end.
    pub fn next_chunk(&mut self) -> Result<bool, Failure> {
        if self.left != Left::Bytes(0) {
            return Ok(false);
        }
        let mut facts = Facts {
            format: Some(self.format.clone()),
            appended: true,
            ..Facts::default()
        };
        let declared = match find(&mut self.chunks, &mut facts) {
            Ok(Some(declared)) => declared,
            Err(Failure::Io(e)) => return Err(e.into()),
            // Whatever follows the sound is not sound.
            Ok(None) | Err(_) => return Ok(false),
        };
        self.format = facts.format.unwrap_or_else(|| self.format.clone());
        self.damage = None;
        self.begin(declared)?;
        Ok(true)
    }

    /// Begins a sound chunk of this declared size.
    fn begin(&mut self, declared: u64) -> Result<(), Failure> {
        self.declared = declared;
        self.start = self.chunks.input.position();
        let remaining = self.chunks.input.remaining();
        let too_long = remaining.is_none_or(|all| declared > all);
        let ends = remaining == Some(0) || self.chunks.input.peek(1)?.is_empty();
        self.left = match declared {
            _ if too_long && self.chunks.dialect.is_unknown(declared) => Left::All,
            0 if ends || (remaining.is_some() && self.rest_is_chunks()?) => Left::Bytes(0),
            0 => {
                // A program that writes into a pipe cannot know; a recorder has lost power.
                self.damage = remaining.map(|_| Damage::NoSize);
                Left::All
            }
            size => Left::Bytes(size),
        };
        if let Left::Bytes(size) = self.left
            && remaining.is_some_and(|all| size > all)
        {
            self.damage = Some(Damage::EndsEarly(size));
        }
        Ok(())
    }

    /// Whether whole chunks fill the file from here to its end.
    fn rest_is_chunks(&mut self) -> Result<bool, Failure> {
        let start = self.chunks.input.position();
        while let Some(chunk) = self.chunks.chunk_at(0) {
            self.chunks.next()?;
            if self
                .chunks
                .input
                .remaining()
                .is_some_and(|all| chunk.size > all)
            {
                break;
            }
            self.chunks.input.skip(chunk.size)?;
            self.chunks.skip_padding(chunk.size)?;
        }
        let filled = self.chunks.input.remaining() == Some(0);
        self.chunks.input.seek(SeekFrom::Start(start))?;
        Ok(filled)
    }

    /// At the declared end of a sound chunk: whether its sound goes on all the same.
    fn goes_on(&mut self) -> Result<bool, Failure> {
        if self.left != Left::Bytes(0) {
            // The file has ended.
            if let Left::Bytes(left) = self.left {
                self.left = Left::Bytes(0);
                self.damage = self
                    .damage
                    .or((left > 0).then_some(Damage::EndsEarly(self.declared)));
            }
            return Ok(false);
        }
        if self.chunk_follows()? {
            return Ok(false);
        }
        self.damage = Some(Damage::GoesOn(self.declared));
        self.left = Left::All;
        Ok(true)
    }

    /// Reads past padding; `true` where no more sound of this chunk can follow.
    fn chunk_follows(&mut self) -> Result<bool, Failure> {
        let end = self.chunks.input.position();
        let padding = self.chunks.dialect.padding(self.declared) as usize;
        let next = self.chunks.input.peek(32)?.to_vec();
        if self.declared == 0 || next.len() <= 1 || self.chunks.chunk_at(0).is_some() {
            return Ok(true);
        }
        if next.len() <= padding || self.chunks.chunk_at(padding).is_some() {
            self.chunks.input.skip(padding as u64)?;
            return Ok(true);
        }
        if TAGS.iter().any(|tag| next.starts_with(tag)) {
            return Ok(true);
        }
        let confirmed = self.chunks.form_end.is_some_and(|form_end| {
            let near = end.saturating_sub(8)..=end + 1;
            near.contains(&form_end)
        });
        let trailer =
            MAX_TRAILER_S * u64::from(self.format.rate_hz) * self.format.block_bytes as u64;
        let left = self.chunks.input.remaining();
        Ok(confirmed && left.is_some_and(|left| left < trailer))
    }
}
