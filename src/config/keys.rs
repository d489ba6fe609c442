//! Names of all configuration keys: unknown keys, environment variables, and differences between configurations.
//!
//! The keys are those that the default configuration serialises to; there is no second list of them.

use toml::{Table, Value};

use crate::config::{Config, ConfigError};

/// Names that differ by more edits (insertions, deletions, replacements) are not suggested.
const NEAREST_EDITS_MAX: usize = 3;

/// A key that two configurations, or two tables of settings, have different values for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As `decision.enter` or `source.2.channels`.
    pub key: String,
    /// Old value as TOML; `None` if there was none.
    pub old: Option<String>,
    /// New value as TOML; `None` if there is none.
    pub new: Option<String>,
}

/// A configuration as TOML.
pub fn as_table(config: &Config) -> Table {
    // Every value of these types exists in TOML, so there is no error.
    let mut table = Table::try_from(config).unwrap_or_default();
    table.iter_mut().for_each(|(_, value)| shorten(value));
    table
}

/// Prints a 32-bit 0.9 as 0.9 and not as the 64-bit 0.8999999761581421.
fn shorten(value: &mut Value) {
    match value {
        Value::Float(float) => {
            let narrow = *float as f32;
            if f64::from(narrow) == *float {
                *float = narrow.to_string().parse().unwrap_or(*float);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| shorten(value)),
        _ => {}
    }
}

/// Refuses keys that do not exist, and suggests the nearest one.
pub fn check_known(table: &Table) -> Result<(), ConfigError> {
    // The defaults have every key, and one source.
    check_table(table, &as_table(&Config::default()), "")
}

fn check_table(table: &Table, known: &Table, path: &str) -> Result<(), ConfigError> {
    for (key, value) in table {
        let Some(example) = known.get(key) else {
            let nearest =
                nearest(key, known.keys().map(String::as_str)).map(|name| format!("{path}{name}"));
            return Err(ConfigError::UnknownKey {
                key: format!("{path}{key}"),
                nearest,
            });
        };
        check_value(value, example, &format!("{path}{key}."))?;
    }
    Ok(())
}

fn check_value(value: &Value, example: &Value, path: &str) -> Result<(), ConfigError> {
    match (value, example) {
        (Value::Table(table), Value::Table(known)) => check_table(table, known, path),
        (Value::Array(items), Value::Array(examples)) => match examples.first() {
            Some(example) => items
                .iter()
                .try_for_each(|item| check_value(item, example, path)),
            None => Ok(()),
        },
        // Wrong types are reported when the values are read.
        _ => Ok(()),
    }
}

/// The name most similar to `key`, if one is similar.
pub fn nearest<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::levenshtein(key, name), name))
        .min()
        .filter(|&(edits, name)| edits <= NEAREST_EDITS_MAX && edits < name.len())
        .map(|(_, name)| name)
}

/// A key with a value, not a table.
pub struct Leaf {
    /// As `["decision", "enter"]`; for sources `["source", "input"]`.
    pub path: Vec<String>,
    pub default: Value,
}

/// Name of the list of sources.
pub const SOURCE: &str = "source";

/// Every key with its default.
pub fn leaves() -> Vec<Leaf> {
    let mut leaves = Vec::new();
    gather(
        &Value::Table(as_table(&Config::default())),
        &[],
        &mut leaves,
    );
    leaves
}

fn gather(value: &Value, path: &[String], leaves: &mut Vec<Leaf>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                gather(value, &[path, std::slice::from_ref(key)].concat(), leaves);
            }
        }
        Value::Array(items) if path == [SOURCE] => {
            items.iter().for_each(|item| gather(item, path, leaves));
        }
        value => leaves.push(Leaf {
            path: path.to_vec(),
            default: value.clone(),
        }),
    }
}

/// The keys that differ from `old` to `new`.
pub fn diff(old: &Config, new: &Config) -> Vec<Change> {
    let [old, new] = [old, new].map(|config| Value::Table(as_table(config)));
    changes(&old, &new)
}

/// The keys that two tables have different values for.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(Some(old), Some(new), String::new(), &mut changes);
    changes
}

fn compare(old: Option<&Value>, new: Option<&Value>, key: String, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    let below = |name: &str| {
        if key.is_empty() {
            name.into()
        } else {
            format!("{key}.{name}")
        }
    };
    match (old, new) {
        (Some(Value::Table(old)), Some(Value::Table(new))) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                compare(old.get(name), new.get(name), below(name), changes);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for place in 0..old.len().max(new.len()) {
                let name = (place + 1).to_string();
                compare(old.get(place), new.get(place), below(&name), changes);
            }
        }
        _ => changes.push(Change {
            key,
            old: old.map(Value::to_string),
            new: new.map(Value::to_string),
        }),
    }
}
