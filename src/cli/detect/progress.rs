//! Progress bar of the files being labelled.

use std::cell::Cell;

use indicatif::ProgressBar;

use crate::cli::progress::bar;

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
    pub fn new(files: usize) -> Self {
        let length = files as u64 * PARTS_PER_FILE;
        Self {
            bar: bar(length, "{bar:40} {percent:>3} %, {eta} left"),
        }
    }

    pub fn file(&self) -> FileProgress {
        FileProgress {
            bar: self.bar.clone(),
            parts: Cell::new(0),
        }
    }

    /// Prints a line on standard error, above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl FileProgress {
    /// Sets the progress to `frames`; the bar moves only if the length of the file is known.
    pub fn at(&self, frames: u64, of_frames: Option<u64>) {
        if let Some(of) = of_frames.filter(|&of| of > 0) {
            let parts = u128::from(PARTS_PER_FILE) * u128::from(frames) / u128::from(of);
            self.advance(u64::try_from(parts).unwrap_or(PARTS_PER_FILE));
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
