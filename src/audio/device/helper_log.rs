//! What sound libraries print in a capture process. They repeat it at every attempt, so each line is passed on once.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::io::Read as _;
use std::process::ChildStderr;

use crate::stderr;

/// Different lines of a source that are passed on.
const LINES_MAX: usize = 64;
const LINE_BYTES_MAX: usize = 1024;

/// The lines of a source's capture processes so far.
#[derive(Default)]
pub(super) struct HelperLog {
    known: HashSet<Vec<u8>>,
    /// The line that has no end yet.
    line: Vec<u8>,
}

impl HelperLog {
    /// Passes on what has been printed; does not wait if `printed` does not.
    pub fn follow(&mut self, printed: &mut ChildStderr) {
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = printed.read(&mut part) {
            for &byte in &part[..count] {
                match byte {
                    b'\n' => self.pass_on(),
                    _ if self.line.len() < LINE_BYTES_MAX => self.line.push(byte),
                    _ => {}
                }
            }
        }
    }

    fn pass_on(&mut self) {
        let line = std::mem::take(&mut self.line);
        if self.known.contains(&line) {
            return;
        }
        match self.known.len().cmp(&LINES_MAX) {
            Ordering::Less => stderr::line(String::from_utf8_lossy(&line)),
            Ordering::Equal => stderr::line(
                "the sound system prints more and more different lines; further ones are left out",
            ),
            Ordering::Greater => return,
        }
        self.known.insert(line);
    }
}
