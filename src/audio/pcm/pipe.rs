//! Opens pipes and waits for their data.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::audio::AudioError;

/// Standard input without the standard library's buffer, whose content [`wait_readable`] would
/// not see.
pub(super) fn open_stdin() -> Result<File, AudioError> {
    match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(stdin) => Ok(stdin.into()),
        Err(e) => Err(AudioError::Stdin {
            reason: e.to_string(),
        }),
    }
}

/// A FIFO that is open for reading, with or without a writer.
pub(super) struct Fifo {
    path: PathBuf,
    pipe: File,
}

impl Fifo {
    /// Opens the FIFO at `path`.
    ///
    /// # Errors
    /// When it does not exist, is not a FIFO or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        Ok(Self {
            path: path.into(),
            pipe: open_fifo(path)?,
        })
    }

    /// Its reading end, which does not block.
    pub fn pipe(&self) -> &File {
        &self.pipe
    }

    /// Opens the FIFO that is at the path now, if it was deleted and made anew: writers open that one.
    pub fn reopen_if_replaced(&mut self) {
        let inode = |metadata: std::io::Result<std::fs::Metadata>| metadata.ok().map(|m| m.ino());
        let there = inode(std::fs::metadata(&self.path));
        if there.is_some()
            && there != inode(self.pipe.metadata())
            && let Ok(pipe) = open_fifo(&self.path)
        {
            self.pipe = pipe;
        }
    }
}

pub(super) fn open_fifo(path: &Path) -> Result<File, AudioError> {
    let read_error = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => AudioError::MissingFifo { path: path.into() },
        _ => AudioError::Read {
            path: path.into(),
            reason: e.to_string(),
        },
    };
    let metadata = std::fs::metadata(path).map_err(read_error)?;
    if !metadata.file_type().is_fifo() {
        return Err(AudioError::NotFifo { path: path.into() });
    }
    // Without this flag, opening would block until a writer comes and could not be stopped.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(read_error)
}

/// Waits up to `timeout`, less than a second, until a read would not block; `false` when it
/// would.
pub(super) fn wait_readable(pipe: &File, timeout: Duration) -> std::io::Result<bool> {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(timeout.subsec_nanos()) as _,
    };
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    match poll(&mut fds, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}
