//! Progress bar of the files being labelled.

use std::cell::Cell;

use indicatif::ProgressBar;

use crate::cli::printable::one_line;
use crate::cli::progress::bar;
use crate::stderr;

/// Steps of the bar for each file. All files count alike: their lengths are known only once they are opened.
const PARTS_PER_FILE: u64 = 1000;

pub struct Progress {
    bar: ProgressBar,
}

/// The steps of one file; dropping it completes them.
pub struct FileProgress {
    bar: ProgressBar,
    parts: Cell<u64>,
}

impl Progress {
    pub fn new() -> Self {
        Self {
            bar: bar(0, "{bar:40} {percent:>3} %, {eta} left"),
        }
    }

    /// Whether anybody sees the bar.
    pub fn is_shown(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Sets the number of files, as far as it is known.
    pub fn set_files(&self, files: u64) {
        self.bar.set_length(files * PARTS_PER_FILE);
    }

    pub fn file(&self) -> FileProgress {
        FileProgress {
            bar: self.bar.clone(),
            parts: Cell::new(0),
        }
    }

    /// Prints a line on standard error, above the bar.
    pub fn say(&self, line: &str) {
        let line = one_line(line);
        self.bar.suspend(|| stderr::line(line));
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl FileProgress {
    /// Sets the progress to `s` seconds; the bar moves only if the length of the file is known.
    pub fn at(&self, s: f64, of_s: Option<f64>) {
        if let Some(of_s) = of_s.filter(|&of_s| of_s > 0.0) {
            self.advance((PARTS_PER_FILE as f64 * s / of_s) as u64);
        }
    }

    fn advance(&self, parts: u64) {
        let parts = parts.min(PARTS_PER_FILE).max(self.parts.get());
        self.bar.inc(parts - self.parts.replace(parts));
    }
}

impl Drop for FileProgress {
    fn drop(&mut self) {
        self.advance(PARTS_PER_FILE);
    }
}
