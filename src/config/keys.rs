//! The keys of a configuration, for what needs their names: an unknown key's nearest
//! neighbour, and the differences between two configurations.
//! The keys are those that the defaults serialise to, so they are written nowhere twice.

use toml::{Table, Value};

use super::{Config, ConfigError};

/// A key this far off is not a slip of the pen.
const NEAREST_EDITS_MAX: usize = 3;

/// A key that two configurations have different values for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As `decision.enter` or `source.2.channels`.
    pub key: String,
    /// As TOML; `None` where the key was not there.
    pub old: Option<String>,
    pub new: Option<String>,
}

fn as_value(config: &Config) -> Value {
    // The types hold nothing that TOML has no word for, so the error cannot come up.
    Value::try_from(config).unwrap_or_else(|_| Value::Table(Table::new()))
}

/// Refuses keys that do not exist, and names the one that was probably meant.
pub fn check_known(table: &Table) -> Result<(), ConfigError> {
    // The defaults have every key, and one source.
    match as_value(&Config::default()) {
        Value::Table(known) => check_table(table, &known, ""),
        _ => Ok(()),
    }
}

fn check_table(table: &Table, known: &Table, path: &str) -> Result<(), ConfigError> {
    for (key, value) in table {
        let Some(example) = known.get(key) else {
            let nearest = known
                .keys()
                .map(|name| (edits(key, name), name))
                .min()
                .filter(|&(edits, name)| edits <= NEAREST_EDITS_MAX && edits < name.len())
                .map(|(_, name)| format!("{path}{name}"));
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
        // Wrong types are told by the typed reading.
        _ => Ok(()),
    }
}

/// Insertions, deletions and replacements from one word to the other (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

pub fn diff(old: &Config, new: &Config) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(
        Some(&as_value(old)),
        Some(&as_value(new)),
        String::new(),
        &mut changes,
    );
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
