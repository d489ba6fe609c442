//! Standard output of the commands that print a text and end.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;

use crate::model::Metadata;

/// Prints a text as it is. A reader that has closed the pipe is not an error.
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

/// Prints the path of a new checkpoint and its figures on validation.
pub fn print_figures(checkpoint: &Path, metadata: &Metadata) -> anyhow::Result<()> {
    let figures = metadata.figures.iter();
    let figures: String = figures
        .map(|(name, value)| format!("  {name} {value:.4}\n"))
        .collect();
    print(&format!("{}\n{figures}", checkpoint.display()))
}
