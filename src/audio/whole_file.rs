//! A regular file that is read from its beginning to its end, as long as it was when it was opened.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::OFlags;

use crate::audio::AudioError;

/// The state of a file when it was opened.
pub(crate) struct WholeFile {
    file: File,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl WholeFile {
    /// Opens a regular file with content.
    ///
    /// # Errors
    /// When there is no such file, it cannot be read, is of another kind, or has no bytes.
    pub fn open(path: &Path) -> Result<(File, Self), AudioError> {
        let read_error = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => AudioError::Missing { path: path.into() },
            _ => AudioError::Read {
                path: path.into(),
                reason: e.to_string(),
            },
        };
        check(path, &std::fs::metadata(path).map_err(read_error)?)?;
        // What has taken the file's place since then must not be waited for: opening a FIFO waits for a writer.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = file.map_err(read_error)?;
        let metadata = file.metadata().map_err(read_error)?;
        check(path, &metadata)?;
        let state = Self {
            file: file.try_clone().map_err(read_error)?,
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        };
        Ok((file, state))
    }

    /// Length when it was opened.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A sentence about a file that was written since it was opened.
    pub fn change(&self) -> Option<&'static str> {
        let now = self.file.metadata().ok()?;
        if now.len() > self.bytes {
            Some("it grew while it was read, and what was added may be left out")
        } else if now.len() < self.bytes || now.modified().ok() != self.modified {
            Some("it changed while it was read")
        } else {
            None
        }
    }
}

fn check(path: &Path, metadata: &Metadata) -> Result<(), AudioError> {
    let path = || path.into();
    if metadata.is_dir() {
        Err(AudioError::Directory { path: path() })
    } else if !metadata.is_file() {
        Err(AudioError::NotRegular { path: path() })
    } else if metadata.len() == 0 {
        Err(AudioError::Empty { path: path() })
    } else {
        Ok(())
    }
}
