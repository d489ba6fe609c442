//! The documentation of every key of an experiment, from the types.

use schemars::schema_for;

use crate::reference;
use crate::training::experiment::named::NAMED;
use crate::training::experiment::{Experiment, ExperimentError};

const INTRODUCTION: &str = "\
# Keys of an experiment

<!-- Generated from the types in src/training/experiment; a test compares the two. -->

An experiment is a TOML file for `vocald train` and the other commands that use labelled recordings. The files in
[`config/experiments`](../config/experiments/) are examples. An unknown key is an error, and so is a missing one
without a default.

A file can extend another one by `extends = \"PATH\"`, relative to its own folder. It then holds only what differs:
tables are merged key by key, any other value replaces the extended one. An entry of `corpus` refers to the extended
corpus with the same `id` or, without an `id`, to the one of the same `kind` and `root`. `remove = true` removes it. An
entry that refers to none is a new corpus. A file that names another `architecture` does not take over the `depth`.

";

/// The reference of all keys, in Markdown: `docs/experiment-keys.md`.
///
/// # Errors
/// If the built-in experiment, whose keys give the order, cannot be read.
pub fn reference() -> Result<String, ExperimentError> {
    let mut example = Experiment::built_in(NAMED[0].name)?;
    // An absent value would have no place in the order.
    example.depth = example.depth.or(Some(0));
    example.default_horizon_frames = Some(0);
    for corpus in &mut example.corpus {
        corpus.voice_share = Some(0.0);
        corpus.labels.tier = Some(String::new());
    }
    let order = toml::Table::try_from(example).unwrap_or_default();
    let tables = reference::markdown(&schema_for!(Experiment), &order);
    // The description of the whole is for readers of the code.
    let from = tables.find('|').unwrap_or_default();
    Ok(format!("{INTRODUCTION}{}", &tables[from..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a change: `UPDATE_REFERENCE=1 cargo test --release --lib experiment::reference`.
    #[test]
    fn the_file_in_the_repository_is_that_of_the_types() -> Result<(), ExperimentError> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/experiment-keys.md");
        let generated = reference()?;
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            crate::atomic_file::write(&path, &generated).unwrap_or_default();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == generated,
            "{} is not that of the types",
            path.display()
        );
        Ok(())
    }
}
