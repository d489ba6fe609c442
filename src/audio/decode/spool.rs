//! Keeps a stream in a temporary file, for what must be read out of order.

use std::io::{Read as _, Seek as _, Write as _};

use tempfile::NamedTempFile;

use super::failure::Failure;
use super::input::Input;

/// Bytes of a stream that are kept at most.
const MAX_BYTES: u64 = 8 << 30;

/// The rest of a stream as a file, which is deleted when it is dropped.
pub(super) fn spool(input: &mut Input) -> Result<NamedTempFile, Failure> {
    spool_up_to(MAX_BYTES, input)
}

fn spool_up_to(most: u64, input: &mut Input) -> Result<NamedTempFile, Failure> {
    let mut file = tempfile::Builder::new().prefix("vocald-").tempfile()?;
    let mut kept = 0;
    let mut bytes = vec![0; 1 << 16];
    loop {
        let read = input.read(&mut bytes)?;
        if read == 0 {
            break;
        }
        kept += read as u64;
        if kept > most {
            return Err(Failure::broken(
                "a stream of this kind must be saved to a file first: it is longer than 8 GiB",
            ));
        }
        file.write_all(&bytes[..read])?;
    }
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_stream_that_is_too_long_is_not_kept() -> Result<(), Failure> {
        let input = || Input::stream(Cursor::new(vec![7; 200_000]));
        let kept = spool_up_to(200_000, &mut input())?;
        assert_eq!(std::fs::read(kept.path())?, vec![7; 200_000]);
        let refused = spool_up_to(199_999, &mut input()).err();
        assert!(matches!(refused, Some(Failure::Broken(reason)) if reason.contains("8 GiB")));
        Ok(())
    }
}
