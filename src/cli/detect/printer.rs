//! Standard output of several threads, in the order of the files.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write as _};

/// Prints what belongs to each file once everything before it is printed.
#[derive(Debug, Default)]
pub struct Printer {
    next: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    /// The reader has closed the pipe.
    pub closed: bool,
}

impl Printer {
    /// `text` belongs to the file of this number; every file has one, from 0.
    pub fn print(&mut self, number: u64, text: Vec<u8>) -> io::Result<()> {
        self.waiting.insert(number, text);
        let mut stdout = io::stdout().lock();
        let mut printed = Ok(());
        while let Some(text) = self.waiting.remove(&self.next) {
            self.next += 1;
            if !text.is_empty() && !self.closed {
                printed = printed.and_then(|()| stdout.write_all(&text));
            }
        }
        match printed.and_then(|()| stdout.flush()) {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => self.closed = true,
            printed => printed?,
        }
        Ok(())
    }
}
