//! What commands print, in the log: a limited number of lines of limited length; the rest is counted.

use std::time::{Duration, Instant};

/// Lines that are logged in each [`PERIOD`], of all commands together.
const LINES_MAX: usize = 20;
const PERIOD: Duration = Duration::from_secs(10);
/// Bytes of a line that are logged.
const LINE_BYTES_MAX: usize = 300;

/// The output of the commands.
pub struct OutputLog {
    /// What the present line comes from, as `the onset command for hall/1`.
    from: String,
    line: Vec<u8>,
    period_from: Instant,
    logged: usize,
    dropped_lines: u64,
}

impl OutputLog {
    pub fn new() -> Self {
        Self {
            from: String::new(),
            line: Vec::new(),
            period_from: Instant::now(),
            logged: 0,
            dropped_lines: 0,
        }
    }

    /// Ends the line of what came before, and names what comes now.
    pub fn begin(&mut self, from: &str) {
        self.end();
        self.from = from.to_owned();
    }

    /// Ends the last line, and logs how many lines were not logged.
    pub fn end(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        if self.dropped_lines > 0 {
            let (from, count) = (&self.from, self.dropped_lines);
            tracing::warn!("{from}: {count} more lines of its output are not logged");
            self.dropped_lines = 0;
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        if self.period_from.elapsed() >= PERIOD {
            (self.period_from, self.logged) = (Instant::now(), 0);
        }
        let line = std::mem::take(&mut self.line);
        if self.logged >= LINES_MAX {
            self.dropped_lines += 1;
            return;
        }
        self.logged += 1;
        let text = String::from_utf8_lossy(&line);
        tracing::warn!("{}: {}", self.from, text.trim_end().escape_debug());
    }
}
