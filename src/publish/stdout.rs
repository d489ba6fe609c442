//! JSON lines on standard output.

use std::io::{self, Write};
use std::sync::Arc;

use super::MessageType;
use super::hub::{Published, Sink};

/// Writes a message a line, and flushes once what had gathered is written.
pub struct Stdout {
    /// All where it is empty.
    only: Vec<MessageType>,
    lines: Vec<u8>,
}

impl Stdout {
    /// Of all messages writes those of the types in `only`, or all where there are none in it.
    pub fn new(only: Vec<MessageType>) -> Self {
        Self {
            only,
            lines: Vec::new(),
        }
    }
}

impl Sink for Stdout {
    fn name(&self) -> String {
        "stdout".into()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        self.lines.clear();
        let wanted = |m: &&Arc<Published>| MessageType::wanted(&self.only, &m.message);
        for message in messages.iter().filter(wanted) {
            self.lines.extend_from_slice(message.json().as_bytes());
            self.lines.push(b'\n');
        }
        if self.lines.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.lines)?;
        stdout.flush()
    }
}
