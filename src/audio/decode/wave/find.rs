//! Finds the sound chunk of a file, and what the chunks before it declare.

use std::io::{Seek as _, SeekFrom};

use super::super::failure::Failure;
use super::chunks::{Chunk, Chunks, Dialect};
use super::format::{self, Format};

/// What the chunks before the sound declare.
#[derive(Default)]
pub(super) struct Facts {
    pub format: Option<Format>,
    /// Samples of a channel by the `fact` chunk.
    pub frames: Option<u64>,
    /// Size of the sound by a `ds64` chunk.
    pub long_size: Option<u64>,
    /// A sound chunk that came before its format.
    pub early: Option<(u64, Chunk)>,
    /// These chunks follow sound: what is no chunk ends them.
    pub appended: bool,
}

/// Reads chunks up to the first byte of sound; its declared size. `None` when there is none.
pub(super) fn find(chunks: &mut Chunks, facts: &mut Facts) -> Result<Option<u64>, Failure> {
    let dialect = chunks.dialect;
    let first = chunks.input.position();
    if let Some(size) = walk(chunks, facts)? {
        return Ok(Some(size));
    }
    if facts.appended || !chunks.input.can_seek() {
        return Ok(None);
    }
    // A wrong size has led past the sound: only the ids that matter are searched.
    chunks.input.seek(SeekFrom::Start(first))?;
    loop {
        chunks.search()?;
        let Some(chunk) = chunks.next()? else {
            return Ok(None);
        };
        if chunk.id == dialect.format_id() && facts.format.is_none() {
            facts.format = Some(read_format(chunks, chunk)?);
        } else if chunk.id == dialect.data_id() && facts.format.is_some() {
            return begin_sound(chunks, chunk, facts.long_size).map(Some);
        }
    }
}

/// Goes from chunk to chunk by their sizes, up to the first byte of sound.
fn walk(chunks: &mut Chunks, facts: &mut Facts) -> Result<Option<u64>, Failure> {
    let dialect = chunks.dialect;
    loop {
        if facts.appended && chunks.chunk_at(0).is_none() {
            return Ok(None);
        }
        let Some(chunk) = chunks.next()? else {
            return Ok(None);
        };
        let start = chunks.input.position();
        if dialect.is_form(chunk.id) {
            chunks.enter_form(chunk)?;
            continue;
        } else if chunk.id == dialect.data_id() {
            if facts.format.is_some() || !chunks.input.can_seek() {
                return begin_sound(chunks, chunk, facts.long_size).map(Some);
            }
            facts.early = facts.early.or(Some((start, chunk)));
        } else if chunk.id == dialect.format_id() {
            facts.format = Some(read_format(chunks, chunk)?);
            if let Some((at, chunk)) = facts.early {
                chunks.input.seek(SeekFrom::Start(at))?;
                return begin_sound(chunks, chunk, facts.long_size).map(Some);
            }
        } else if chunk.id == *b"ds64" {
            facts.long_size = u64_at(chunks, 8)?.filter(|&size| size > 0);
        } else if chunk.id == *b"fact" {
            let frames = u64_at(chunks, 0)?;
            // The upper half belongs to another field.
            facts.frames = frames.map(|frames| frames & u64::from(u32::MAX));
        }
        if facts.appended {
            chunks.input.skip(chunk.size)?;
            chunks.skip_padding(chunk.size)?;
        } else {
            chunks.leave(chunk, start)?;
        }
    }
}

fn read_format(chunks: &mut Chunks, chunk: Chunk) -> Result<Format, Failure> {
    let size = usize::try_from(chunk.size).unwrap_or(usize::MAX);
    let bytes = chunks.input.peek(size.min(format::MAX_BYTES))?;
    Format::parse(chunks.dialect, bytes)
}

fn u64_at(chunks: &mut Chunks, at: usize) -> Result<Option<u64>, Failure> {
    let bytes = chunks.input.peek(at + 8)?;
    Ok(bytes
        .get(at..)
        .and_then(|b| b.first_chunk())
        .map(|b| u64::from_le_bytes(*b)))
}

/// The size of a sound chunk whose header was read; what comes before its sound is read past.
fn begin_sound(chunks: &mut Chunks, chunk: Chunk, long: Option<u64>) -> Result<u64, Failure> {
    if chunks.dialect == Dialect::Aiff {
        let head = chunks
            .input
            .peek(4)?
            .first_chunk()
            .copied()
            .unwrap_or_default();
        let offset = u64::from(u32::from_be_bytes(head));
        // An offset beyond the chunk is a mistake.
        let before = 8 + if offset < chunk.size { offset } else { 0 };
        chunks.input.skip(before)?;
        return Ok(match chunks.dialect.is_unknown(chunk.size) {
            true => chunk.size,
            false => chunk.size.saturating_sub(before),
        });
    }
    Ok(match long {
        Some(long) if chunk.size == u64::from(u32::MAX) => long,
        _ => chunk.size,
    })
}
