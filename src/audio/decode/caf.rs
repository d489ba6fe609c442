//! CAF whose sound goes on to the end of the file, as programs write it that cannot go back. Symphonia needs its size.

use std::io;

use super::input::{Input, PEEK_BYTES};

/// Bytes of the file's header, of a chunk's id and of its size.
const FILE_HEADER: usize = 8;
const ID: usize = 4;
const SIZE: usize = 8;

/// States the size of a sound chunk that is not stated.
pub(super) fn state_size(input: &mut Input) -> io::Result<()> {
    let remaining = input.remaining();
    if let Some(at) = unstated(input.peek(PEEK_BYTES)?)
        && let Some(size) = remaining.and_then(|all| all.checked_sub((at + SIZE) as u64))
    {
        input.replace(at, &size.to_be_bytes());
    }
    Ok(())
}

/// Place of the size of the sound chunk, if it is -1.
fn unstated(head: &[u8]) -> Option<usize> {
    let mut at = FILE_HEADER + ID;
    loop {
        let size = i64::from_be_bytes(*head.get(at..at + SIZE)?.first_chunk()?);
        if head[at - ID..at] == *b"data" {
            return (size == -1).then_some(at);
        }
        at = at
            .checked_add(usize::try_from(size).ok()?)?
            .checked_add(ID + SIZE)?;
    }
}
