//! The documentation of every key, from the types.

use schemars::schema_for;

use crate::config::{Config, keys};
use crate::reference;

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated from the types in src/config; a test compares the two. -->

`vocald run --config FILE` and `vocald detect --config FILE` read a TOML file. Every key has a default, so a file holds
only what differs. [`config/vocald.toml`](../config/vocald.toml) is a file of all defaults to start from.

Precedence: the command line overrides the environment, the environment overrides the file, the file overrides the
defaults. `VOCALD_CONFIG` names the file. Every key can be set in the environment by its name in upper case:
`VOCALD_DECISION_ENTER=0.7` sets `decision.enter`, `VOCALD_SOURCE_INPUT=-` sets the input of a single source; lists are
written with commas. `VOCALD_TOKEN` and `VOCALD_MQTT_PASSWORD` hold the secrets.

`\"checkpoint\"` stands for the value that the model brings with it. `vocald config check FILE` checks a file,
`vocald config show` prints the result for the options, the environment and the file together.

";

const EXAMPLE_INTRODUCTION: &str = "\
# Configuration of vocald: every key with its default. A key that is left out keeps its default.
# The command line and the environment (VOCALD_DECISION_ENTER for decision.enter) override this file.
# \"checkpoint\" stands for the value that the model brings with it. See docs/configuration.md.

";

/// The reference of all keys, in Markdown: `docs/configuration.md`.
pub fn reference() -> String {
    let tables = reference::markdown(&schema_for!(Config), &order());
    // The description of the whole is for readers of the code.
    let from = tables.find("## ").unwrap_or_default();
    format!("{INTRODUCTION}{}", &tables[from..])
}

/// A file of all keys with their defaults, in TOML: `config/vocald.toml`.
pub fn example() -> String {
    format!(
        "{EXAMPLE_INTRODUCTION}{}",
        reference::toml(&schema_for!(Config), &order())
    )
}

/// The keys in the order of the types.
fn order() -> toml::Table {
    keys::as_table(&Config::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = env!("CARGO_MANIFEST_DIR");

    /// After a change: `UPDATE_REFERENCE=1 cargo test --release --lib config::reference`.
    #[test]
    fn the_files_in_the_repository_are_those_of_the_types() {
        for (path, generated) in [
            ("docs/configuration.md", reference()),
            ("config/vocald.toml", example()),
        ] {
            let file = std::path::Path::new(ROOT).join(path);
            if std::env::var_os("UPDATE_REFERENCE").is_some() {
                crate::atomic_file::write(&file, &generated).unwrap();
            }
            let stored = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(stored == generated, "{path} is not that of the types");
        }
    }

    #[test]
    fn the_example_is_the_default() {
        assert_eq!(Config::parse(&example()).unwrap(), Config::default());
    }
}
