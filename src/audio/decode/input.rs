//! The bytes of a sound: a regular file, or a stream that cannot seek.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

/// Bytes that can be looked at before they are read.
pub(super) const PEEK_BYTES: usize = 1 << 20;

/// The source of the bytes.
enum Source {
    File(File),
    Stream(Box<dyn Read + Send + Sync>),
}

/// Buffered bytes with a position that counts from [`Input::set_origin`].
pub(super) struct Input {
    source: Source,
    buffer: Vec<u8>,
    /// Index in the buffer of the next byte.
    at: usize,
    /// Position of the next byte from the start of the source.
    position: u64,
    origin: u64,
    /// Reading ends here, counted from the start of the source.
    end: Option<u64>,
}

impl Input {
    /// A regular file, from its start.
    pub fn file(file: File) -> io::Result<Self> {
        let end = Some(file.metadata()?.len());
        Ok(Self::new(Source::File(file), end))
    }

    /// A stream of unknown length.
    pub fn stream(stream: impl Read + Send + Sync + 'static) -> Self {
        Self::new(Source::Stream(Box::new(stream)), None)
    }

    fn new(source: Source, end: Option<u64>) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            at: 0,
            position: 0,
            origin: 0,
            end,
        }
    }

    /// Replaces bytes that were looked at, until they are read. `offset` counts from the next byte.
    pub fn replace(&mut self, offset: usize, bytes: &[u8]) {
        let start = self.at + offset;
        if let Some(old) = self.buffer.get_mut(start..start + bytes.len()) {
            old.copy_from_slice(bytes);
        }
    }

    /// Makes the next byte position 0.
    pub fn set_origin(&mut self) {
        self.origin = self.position;
    }

    /// Reading ends after `length` more bytes, if the source does not end before.
    pub fn end_after(&mut self, length: u64) {
        let end = self.position.saturating_add(length);
        self.end = Some(self.end.map_or(end, |old| old.min(end)));
    }

    /// Position of the next byte.
    pub fn position(&self) -> u64 {
        self.position - self.origin
    }

    /// Number of bytes that are left, if it is known.
    pub fn remaining(&self) -> Option<u64> {
        self.end.map(|end| end.saturating_sub(self.position))
    }

    /// Whether reading can go back.
    pub fn can_seek(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// The next `count` bytes, at most [`PEEK_BYTES`], without reading them; fewer at the end.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let count = count.min(PEEK_BYTES);
        if self.buffer.len() - self.at < count {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        while self.buffer.len() - self.at < count && self.fill()? {}
        let available = self.limit(self.buffer.len() - self.at).min(count);
        Ok(&self.buffer[self.at..self.at + available])
    }

    /// Reads past `count` bytes, or to the end.
    pub fn skip(&mut self, count: u64) -> io::Result<()> {
        let mut left = self.remaining().map_or(count, |r| r.min(count));
        if self.can_seek() {
            let to = self.position().saturating_add(left);
            self.seek(SeekFrom::Start(to))?;
            return Ok(());
        }
        while left > 0 {
            let step = self
                .peek(usize::try_from(left).unwrap_or(PEEK_BYTES))?
                .len();
            if step == 0 {
                break;
            }
            self.advance(step);
            left -= step as u64;
        }
        Ok(())
    }

    fn advance(&mut self, count: usize) {
        self.at += count;
        self.position += count as u64;
    }

    /// At most as many bytes as may be read before the end.
    fn limit(&self, count: usize) -> usize {
        match self.remaining() {
            Some(left) => usize::try_from(left).unwrap_or(usize::MAX).min(count),
            None => count,
        }
    }

    /// Adds bytes to the buffer; `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        const STEP: usize = 1 << 15;
        let old = self.buffer.len();
        self.buffer.resize(old + STEP, 0);
        let read = read_some(&mut self.source, &mut self.buffer[old..]);
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        Ok(read? > 0)
    }
}

fn read_some(source: &mut Source, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        let read = match source {
            Source::File(file) => file.read(bytes),
            Source::Stream(stream) => stream.read(bytes),
        };
        match read {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
            if self.limit(bytes.len()) == 0 || !self.fill()? {
                return Ok(0);
            }
        }
        let available = &self.buffer[self.at..];
        let count = self.limit(available.len().min(bytes.len()));
        bytes[..count].copy_from_slice(&available[..count]);
        self.advance(count);
        Ok(count)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.end.map(|end| end.saturating_sub(self.origin));
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position().checked_add_signed(offset),
            SeekFrom::End(offset) => end.and_then(|end| end.checked_add_signed(offset)),
        };
        let target = target
            .and_then(|target| target.checked_add(self.origin))
            .ok_or(ErrorKind::InvalidInput)?;
        let ahead = target.checked_sub(self.position);
        let buffered = (self.buffer.len() - self.at) as u64;
        match (ahead, &mut self.source) {
            (Some(ahead), _) if ahead <= buffered => self.advance(ahead as usize),
            (_, Source::File(file)) => {
                file.seek(SeekFrom::Start(target))?;
                self.buffer.clear();
                self.at = 0;
                self.position = target;
            }
            (_, Source::Stream(_)) => return Err(ErrorKind::Unsupported.into()),
        }
        Ok(self.position())
    }
}

impl MediaSource for Input {
    fn is_seekable(&self) -> bool {
        self.can_seek()
    }

    fn byte_len(&self) -> Option<u64> {
        self.end.map(|end| end.saturating_sub(self.origin))
    }
}
