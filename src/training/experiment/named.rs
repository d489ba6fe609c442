//! The built-in experiments.

use std::path::Path;

/// A built-in experiment.
pub(super) struct Named {
    pub name: &'static str,
    /// Its path below `config/experiments`, to which `extends` refers.
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

/// The text of a built-in file.
pub(super) fn text(file: &Path) -> Option<String> {
    let named = NAMED.iter().find(|named| Path::new(named.file) == file)?;
    Some(named.text.into())
}
