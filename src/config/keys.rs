//! The keys of a configuration, for what needs their names: an unknown key's nearest
//! neighbour, and the differences between two configurations.
//! The keys are those that the defaults serialise to, so they are written nowhere twice.

use toml::{Table, Value};

use crate::config::{Config, ConfigError};

/// A key this far off is not a slip of the pen.
const NEAREST_EDITS_MAX: usize = 3;

/// A key that two configurations, or two tables of settings, have different values for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As `decision.enter` or `source.2.channels`.
    pub key: String,
    /// As TOML; `None` where the key was not there.
    pub old: Option<String>,
    pub new: Option<String>,
}

/// A configuration as TOML.
pub fn as_table(config: &Config) -> Table {
    // The types hold nothing that TOML has no word for, so the error cannot come up.
    let mut table = Table::try_from(config).unwrap_or_default();
    table.iter_mut().for_each(|(_, value)| shorten(value));
    table
}

/// 0.9 kept in 32 bits is 0.8999999761581421 in 64; people wrote 0.9.
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

/// Refuses keys that do not exist, and names the one that was probably meant.
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
        // Wrong types are told by the typed reading.
        _ => Ok(()),
    }
}

/// The name that was probably meant.
pub fn nearest<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (edits(key, name), name))
        .min()
        .filter(|&(edits, name)| edits <= NEAREST_EDITS_MAX && edits < name.len())
        .map(|(_, name)| name)
}

/// A key that is no table.
pub struct Leaf {
    /// As `["decision", "enter"]`; of a source `["source", "input"]`.
    pub path: Vec<String>,
    pub default: Value,
}

/// The list of sources.
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
