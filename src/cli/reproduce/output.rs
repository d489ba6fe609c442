//! Where the tables go: the terminal, and a page of Markdown.

use std::path::Path;

use anyhow::Context as _;

use crate::reproduction::machine;
use crate::reproduction::page::Page;
use crate::reproduction::plan::Wishes;
use crate::reproduction::tables::Entry;

/// Where the tables go.
pub struct Tell<'a> {
    command: String,
    shortened: Option<String>,
    report: Option<&'a Path>,
}

impl<'a> Tell<'a> {
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

    /// Writes the page, where one is wanted.
    pub fn report(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let Some(path) = self.report else {
            return Ok(());
        };
        let (today, machine) = (machine::today(), machine::name());
        let page = self.page(entries, &today, &machine).markdown()?;
        std::fs::write(path, page)
            .with_context(|| format!("the report {} cannot be written", path.display()))
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
        format!("Shortened by {parts}: these figures say nothing of the paper's recipe.")
    })
}

/// This command as it was given, for a shell.
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
