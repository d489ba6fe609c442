//! The standard output sink: JSON lines.

use std::io::{self, Write};
use std::sync::Arc;

use crate::publish::hub::{Published, Sink};

/// Name of the sink.
pub const STDOUT: &str = "stdout";

/// Writes one line per message and flushes after each batch.
#[derive(Default)]
pub struct Stdout {
    lines: Vec<u8>,
}

impl Sink for Stdout {
    fn name(&self) -> String {
        STDOUT.into()
    }

    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        self.lines.clear();
        for message in messages {
            self.lines.extend_from_slice(message.json().as_bytes());
            self.lines.push(b'\n');
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.lines)?;
        stdout.flush()
    }
}
