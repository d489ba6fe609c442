//! Progress bars on standard error; hidden where that is not a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::corpora::{CorpusSettings, Split};

/// A bar of this length, drawn by an indicatif template.
pub fn bar(length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

/// A bar for the scoring of so many frames.
pub fn scoring(frames: usize) -> ProgressBar {
    bar(frames as u64, "scoring {bar:40} {percent:>3} %, {eta} left")
}

/// A bar over corpora that are read one after the other; cleared when it is dropped.
pub struct Reading(ProgressBar);

impl Reading {
    /// A bar over so many corpora.
    pub fn new(corpora: usize) -> Self {
        Self(bar(corpora as u64, "reading {msg} {bar:30} {pos}/{len}"))
    }

    /// A corpus is about to be read; those before it are done.
    pub fn next(&mut self, split: Split, corpus: &CorpusSettings) {
        if self.0.message().is_empty() {
            self.0.set_position(0);
        } else {
            self.0.inc(1);
        }
        self.0
            .set_message(format!("{} of {}", split.name(), corpus.root.display()));
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
