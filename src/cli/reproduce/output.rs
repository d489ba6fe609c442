//! The tables as text for the terminal and as a Markdown page.

use std::io;
use std::path::Path;

use crate::atomic_file;
use crate::reproduction::machine;
use crate::reproduction::page::Page;
use crate::reproduction::plan::Wishes;
use crate::reproduction::tables::Entry;

/// The tables' destinations.
pub struct Output<'a> {
    command: String,
    shortened: Option<String>,
    report: Option<&'a Path>,
}

impl<'a> Output<'a> {
    pub fn new(wishes: &Wishes, report: Option<&'a Path>) -> Self {
        Self {
            command: command_line(),
            shortened: shortened(wishes),
            report,
        }
    }

    /// The tables for a terminal.
    pub fn text(&self, entries: &[Entry]) -> String {
        self.page(entries, &machine::today(), &machine::name())
            .text()
    }

    /// Writes the Markdown page, if one was requested.
    pub fn write_report(&self, entries: &[Entry]) -> io::Result<()> {
        let Some(path) = self.report else {
            return Ok(());
        };
        let (today, machine) = (machine::today(), machine::name());
        let page = self.page(entries, &today, &machine).markdown();
        let written = page
            .map_err(io::Error::other)
            .and_then(|page| atomic_file::write(path, page));
        written.map_err(|e| {
            let problem = format!("the report {} cannot be written: {e}", path.display());
            io::Error::new(e.kind(), problem)
        })
    }

    fn page<'p>(&'p self, entries: &'p [Entry], date: &'p str, machine: &'p str) -> Page<'p> {
        Page {
            command: &self.command,
            version: crate::VERSION,
            date,
            machine,
            shortened: self.shortened.as_deref(),
            entries,
        }
    }
}

fn shortened(wishes: &Wishes) -> Option<String> {
    let limit = |name: &str, n: Option<usize>| n.map(|n| format!("{name} {n}"));
    let epochs = limit("--max-epochs", wishes.max_epochs);
    let batches = limit("--epoch-batches", wishes.epoch_batches);
    let parts: Vec<String> = [epochs, batches].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| {
        let parts = parts.join(" ");
        format!("Shortened by {parts}: these figures say nothing about the paper's recipe.")
    })
}

/// The process's command line, quoted for a shell.
fn command_line() -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=~+@%".contains(c);
    let words = std::env::args().skip(1).map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    std::iter::once("vocald".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
