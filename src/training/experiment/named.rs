//! Experiments that are inside the program, by their names.

use std::path::Path;

pub(super) struct Named {
    pub name: &'static str,
    /// Its place below `config/experiments`, which what extends it refers to.
    pub file: &'static str,
    text: &'static str,
}

macro_rules! named {
    ($name:literal, $file:literal) => {
        Named {
            name: $name,
            file: $file,
            text: include_str!(concat!("../../../config/experiments/", $file)),
        }
    };
}

pub(super) const NAMED: [Named; 4] = [
    named!("paper-mir1k", "paper/mir1k.toml"),
    named!("paper-jamendo", "paper/jamendo.toml"),
    named!("paper-rwc", "paper/rwc.toml"),
    named!("paper-jrm", "paper/jrm.toml"),
];

/// The text of a file, if it is inside the program.
pub(super) fn text(file: &Path) -> Option<String> {
    let named = NAMED.iter().find(|named| Path::new(named.file) == file)?;
    Some(named.text.into())
}
