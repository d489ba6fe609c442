//! The chunks of a file: their headers, their order and where the next one begins.

use std::io::{Seek as _, SeekFrom};

use super::super::failure::Failure;
use super::super::input::Input;

/// Bytes that are searched for a chunk where a size was wrong.
const MAX_SEARCH_BYTES: u64 = 1 << 20;
/// Of these so many at a time.
const SEARCH_WINDOW_BYTES: usize = 1 << 16;
/// A 32-bit size from here on is a writer's "not known": 0xFFFFFFFF, or 0x7FFFFFFF less a header.
const UNKNOWN_32: u64 = 0x7FFF_0000;
/// The same of 64-bit sizes.
const UNKNOWN_64: u64 = 1 << 62;
/// Ids of usual chunks besides those that hold the format and the sound.
const USUAL: [&[u8; 4]; 24] = [
    b"LIST", b"fact", b"JUNK", b"junk", b"PAD ", b"bext", b"iXML", b"cue ", b"smpl", b"inst",
    b"PEAK", b"id3 ", b"ID3 ", b"acid", b"_PMX", b"axml", b"chna", b"levl", b"DISP", b"cart",
    b"ds64", b"RIFF", b"FORM", b"FVER",
];

/// A layout of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Dialect {
    /// RIFF, RF64 and BW64: little-endian.
    Riff,
    /// RIFF in big-endian order.
    Rifx,
    /// Sony's Wave64: 16-byte ids, 64-bit sizes.
    Wave64,
    /// AIFF and AIFC: big-endian, other ids.
    Aiff,
}

impl Dialect {
    /// Bytes before the first chunk, and before a chunk's content.
    fn header_bytes(self) -> (usize, usize) {
        match self {
            Self::Wave64 => (40, 24),
            _ => (12, 8),
        }
    }

    /// Whether numbers are big-endian.
    pub fn is_big_endian(self) -> bool {
        matches!(self, Self::Rifx | Self::Aiff)
    }

    /// Whether this is the id of a whole file, which was appended to another.
    pub fn is_form(self, id: [u8; 4]) -> bool {
        match self {
            Self::Riff => matches!(&id, b"RIFF" | b"RF64" | b"BW64"),
            Self::Rifx => id == *b"RIFX",
            Self::Wave64 => id == *b"riff",
            Self::Aiff => id == *b"FORM",
        }
    }

    /// Id of the chunk with the format.
    pub fn format_id(self) -> [u8; 4] {
        if self == Self::Aiff {
            *b"COMM"
        } else {
            *b"fmt "
        }
    }

    /// Id of the chunk with the sound.
    pub fn data_id(self) -> [u8; 4] {
        if self == Self::Aiff {
            *b"SSND"
        } else {
            *b"data"
        }
    }

    /// Bytes between a content of `size` bytes and the next chunk.
    pub fn padding(self, size: u64) -> u64 {
        let unit = if self == Self::Wave64 { 8 } else { 2 };
        (unit - size % unit) % unit
    }

    /// Whether this size stands for "not known".
    pub fn is_unknown(self, size: u64) -> bool {
        size >= if self == Self::Wave64 {
            UNKNOWN_64
        } else {
            UNKNOWN_32
        }
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.is_big_endian() {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }
}

/// Id and declared size of a chunk's content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    pub id: [u8; 4],
    pub size: u64,
}

/// A file as a sequence of chunks.
pub(super) struct Chunks {
    pub input: Input,
    pub dialect: Dialect,
    /// Where the file ends by its own account, if it says so.
    pub form_end: Option<u64>,
}

impl Chunks {
    /// Reads the header of the file.
    pub fn open(mut input: Input, dialect: Dialect) -> Result<Self, Failure> {
        let start = input.position();
        let (form, _) = dialect.header_bytes();
        let head = input.peek(form)?.to_vec();
        if head.len() < form {
            return Err(Failure::broken("it ends inside its header"));
        }
        input.skip(form as u64)?;
        let form_end = match dialect {
            Dialect::Wave64 => head[16..24].first_chunk().map(|b| u64::from_le_bytes(*b)),
            _ => head[4..8]
                .first_chunk()
                .map(|b| u64::from(dialect.u32(*b)) + 8),
        };
        Ok(Self {
            input,
            dialect,
            form_end: form_end.map(|end| start.saturating_add(end)),
        })
    }

    /// Goes on inside a file that was appended, whose id and size were read.
    pub fn enter_form(&mut self, form: Chunk) -> Result<(), Failure> {
        let (header, chunk_header) = self.dialect.header_bytes();
        let start = self.input.position();
        self.form_end = Some(start.saturating_add(form.size));
        Ok(self.input.skip((header - chunk_header) as u64)?)
    }

    /// The header of the next chunk, which is read past; `None` at the end of the file.
    pub fn next(&mut self) -> Result<Option<Chunk>, Failure> {
        let (_, header) = self.dialect.header_bytes();
        let Some(chunk) = parse(self.dialect, self.input.peek(header)?) else {
            return Ok(None);
        };
        self.input.skip(header as u64)?;
        Ok(Some(chunk))
    }

    /// Reads past the content of a chunk, which began at `start`, and its padding. Where no chunk
    /// follows, its size was wrong, and the next chunk that matters is searched.
    pub fn leave(&mut self, chunk: Chunk, start: u64) -> Result<(), Failure> {
        let left = chunk.size.saturating_sub(self.input.position() - start);
        let too_long = self.input.remaining().is_some_and(|all| left > all);
        if !too_long && !self.dialect.is_unknown(chunk.size) {
            self.input.skip(left)?;
            self.skip_padding(chunk.size)?;
            if self.chunk_at(0).is_some() || self.input.peek(1)?.is_empty() {
                return Ok(());
            }
        }
        if self.input.can_seek() {
            // A format chunk has at least this much.
            let least = if chunk.id == self.dialect.format_id() {
                14
            } else {
                0
            };
            self.input.seek(SeekFrom::Start(start + least))?;
        }
        self.search()
    }

    /// The chunk that begins after `offset` more bytes, by its id and size.
    pub fn chunk_at(&mut self, offset: usize) -> Option<Chunk> {
        let (_, header) = self.dialect.header_bytes();
        let remaining = self.input.remaining();
        let bytes = self.input.peek(offset + header).ok()?;
        let chunk = parse(self.dialect, bytes.get(offset..)?)?;
        let matters = [self.dialect.format_id(), self.dialect.data_id()].contains(&chunk.id);
        let usual = matters || USUAL.iter().any(|id| **id == chunk.id);
        let text = chunk.id.iter().all(|b| (0x20..0x7f).contains(b));
        let fits = remaining.is_none_or(|all| chunk.size <= all.saturating_add(1));
        (usual || (text && fits)).then_some(chunk)
    }

    /// Reads past the padding of a chunk of `size` bytes, if there is any.
    pub fn skip_padding(&mut self, size: u64) -> Result<(), Failure> {
        let padding = self.dialect.padding(size);
        // Some writers leave it out: a chunk that begins at once shows it.
        if padding > 0 && (self.dialect == Dialect::Wave64 || self.chunk_at(0).is_none()) {
            self.input.skip(padding)?;
        }
        Ok(())
    }

    /// Goes to the next chunk that matters; to the end of the file when there is none.
    pub fn search(&mut self) -> Result<(), Failure> {
        let ids = [self.dialect.format_id(), self.dialect.data_id()];
        let mut searched = 0;
        while searched < MAX_SEARCH_BYTES {
            let window = self.input.peek(SEARCH_WINDOW_BYTES)?;
            let found = window.windows(4).position(|id| ids.iter().any(|i| i == id));
            let step = found.unwrap_or(window.len().saturating_sub(3)) as u64;
            self.input.skip(step)?;
            if found.is_some() {
                return Ok(());
            }
            if step == 0 {
                break;
            }
            searched += step;
        }
        Ok(self.input.skip(u64::MAX >> 1)?)
    }
}

/// The header of a chunk; `None` where too few bytes are left for one.
fn parse(dialect: Dialect, header: &[u8]) -> Option<Chunk> {
    let id = *header.first_chunk()?;
    let size = match dialect {
        // The size counts the header.
        Dialect::Wave64 => {
            u64::from_le_bytes(*header.get(16..24)?.first_chunk()?).saturating_sub(24)
        }
        _ => dialect.u32(*header.get(4..8)?.first_chunk()?).into(),
    };
    Some(Chunk { id, size })
}
