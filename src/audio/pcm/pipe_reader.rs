//! A pipe that is read once, to its end.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use crate::audio::pcm::pipe::{open_fifo, open_stdin, wait_readable};
use crate::audio::{AudioError, StopFlag};

/// Interval at which a pipe without data checks its stop flag.
const POLL: Duration = Duration::from_millis(50);

/// Reads standard input or a FIFO until its writer leaves. A set stop flag ends a read with
/// [`ErrorKind::ConnectionAborted`].
pub struct PipeReader {
    pipe: File,
    /// A FIFO reads as ended until its first writer opens it.
    awaits_writer: bool,
    stop: StopFlag,
}

impl PipeReader {
    /// Standard input.
    ///
    /// # Errors
    /// When it is closed.
    pub fn stdin(stop: StopFlag) -> Result<Self, AudioError> {
        Ok(Self {
            pipe: open_stdin()?,
            awaits_writer: false,
            stop,
        })
    }

    /// A FIFO, whose writer may come later.
    ///
    /// # Errors
    /// When `path` is not a FIFO or cannot be opened.
    pub fn fifo(path: &Path, stop: StopFlag) -> Result<Self, AudioError> {
        Ok(Self {
            pipe: open_fifo(path)?,
            awaits_writer: true,
            stop,
        })
    }
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if self.stop.is_stopped() {
                return Err(Error::from(ErrorKind::ConnectionAborted));
            }
            if !wait_readable(&self.pipe, POLL)? {
                continue;
            }
            match self.pipe.read(buffer) {
                Ok(0) if self.awaits_writer => {
                    self.stop.wait(POLL);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Ok(read) => {
                    self.awaits_writer = false;
                    return Ok(read);
                }
                Err(e) => return Err(e),
            }
        }
    }
}
