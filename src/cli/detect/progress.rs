//! A bar on standard error with the time that is left; nothing where that is no terminal.

use std::cell::Cell;

use indicatif::{ProgressBar, ProgressStyle};

/// A file's part of the bar: files are weighted alike, for their lengths are only known as they are
/// opened.
const PARTS_A_FILE: u64 = 1000;

pub struct Progress {
    bar: ProgressBar,
}

/// Moves the bar by one file's part; by all of it once dropped.
pub struct FileProgress {
    bar: ProgressBar,
    parts: Cell<u64>,
}

impl Progress {
    pub fn new(files: usize) -> Self {
        let bar = ProgressBar::new(files as u64 * PARTS_A_FILE);
        let template = "{bar:40} {percent:>3} %, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub fn file(&self) -> FileProgress {
        FileProgress {
            bar: self.bar.clone(),
            parts: Cell::new(0),
        }
    }

    /// A line on standard error, above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl FileProgress {
    /// `frames` are done, of so many where the file tells.
    pub fn at(&self, frames: u64, of_frames: Option<u64>) {
        if let Some(of) = of_frames.filter(|&of| of > 0) {
            let parts = u128::from(PARTS_A_FILE) * u128::from(frames) / u128::from(of);
            self.advance(u64::try_from(parts).unwrap_or(PARTS_A_FILE));
        }
    }

    fn advance(&self, parts: u64) {
        let parts = parts.min(PARTS_A_FILE).max(self.parts.get());
        self.bar.inc(parts - self.parts.replace(parts));
    }
}

impl Drop for FileProgress {
    fn drop(&mut self) {
        self.advance(PARTS_A_FILE);
    }
}
