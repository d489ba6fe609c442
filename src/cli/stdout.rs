//! Standard output of the commands that print a text and are done.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;

/// Prints a text as it is. A reader that has gone has read enough.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(e).context("stdout cannot be written"),
        _ => Ok(()),
    }
}
