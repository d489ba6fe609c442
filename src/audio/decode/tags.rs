//! Tags around and between sounds: ID3v1, ID3v2 and APEv2.

use std::io;

use super::input::Input;

/// Bytes of a tag's header at most.
const HEADER_BYTES: usize = 32;

/// Whether a tag begins here.
pub(super) fn begins(bytes: &[u8]) -> bool {
    length(bytes, None).is_some()
}

/// Reads past a tag that begins here; `false` when there is none.
pub(super) fn skip(input: &mut Input) -> io::Result<bool> {
    let remaining = input.remaining();
    match length(input.peek(HEADER_BYTES)?, remaining) {
        Some(length) => input.skip(length).map(|()| true),
        None => Ok(false),
    }
}

/// Length of the tag that begins here. A tag does not reach beyond the end of the file.
fn length(bytes: &[u8], remaining: Option<u64>) -> Option<u64> {
    let length = match bytes {
        [b'I', b'D', b'3', version, revision, flags, a, b, c, d, ..]
            if *version < 0xFF && *revision < 0xFF =>
        {
            let size = match [a, b, c, d].iter().all(|&&byte| byte < 0x80) {
                true => [a, b, c, d]
                    .iter()
                    .fold(0, |n, &&byte| n << 7 | u64::from(byte)),
                // Some programs write a plain number.
                false => u32::from_be_bytes([*a, *b, *c, *d]).into(),
            };
            let footer = if flags & 0x10 == 0 { 0 } else { 10 };
            10 + size + footer
        }
        [b'T', b'A', b'G', ..] => 128,
        [b'A', b'P', b'E', b'T', b'A', b'G', b'E', b'X', rest @ ..] => {
            let size = u32::from_le_bytes(*rest.get(4..8)?.first_chunk()?);
            let has_header = rest.get(15)? & 0x80 != 0;
            // The size counts the footer, and the header is on top of it.
            u64::from(size) + if has_header { 32 } else { 0 }
        }
        _ => return None,
    };
    remaining
        .is_none_or(|left| length <= left)
        .then_some(length)
}
