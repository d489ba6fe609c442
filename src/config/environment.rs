//! Environment variables as keys: `VOCALD_DECISION_ENTER` sets `decision.enter`.
//!
//! They override the file and are overridden by the command line. `VOCALD_SOURCE_INPUT` and its like work where
//! the file has one source at most.

use toml::{Table, Value};

use crate::config::ConfigError;
use crate::config::from_checkpoint::CHECKPOINT;
use crate::config::keys;
use crate::config::keys::Leaf;
use crate::config::source_decision::INHERIT;

const PREFIX: &str = "VOCALD_";
/// Variables with this prefix that are not keys: the secrets, the path of the file, and those that `vocald` sets for
/// commands at onsets and offsets, which may start another `vocald`.
const OTHERS: [&str; 11] = [
    "TOKEN",
    "MQTT_PASSWORD",
    "CONFIG",
    "TYPE",
    "STREAM",
    "ID",
    "T",
    "WALL",
    "P",
    "DURATION",
    "HOOK",
];

/// Sets the keys in `table` that `environment` names, and returns the names of the variables that set one.
pub fn lay_over(
    table: &mut Table,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Vec<String>, ConfigError> {
    let leaves = keys::leaves();
    let mut laid = Vec::new();
    for (variable, text) in environment {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if let Some(leaf) = leaves.iter().find(|leaf| variable_name(leaf) == name) {
            let value = read(&text, &leaf.default);
            set(table, &leaf.path, value)
                .map_err(|problem| ConfigError::value(&variable, problem))?;
            laid.push(variable);
        } else if !OTHERS.contains(&name) {
            let names: Vec<String> = leaves.iter().map(variable_name).collect();
            let Some(nearest) = keys::nearest(name, names.iter().map(String::as_str)) else {
                tracing::warn!("the environment variable {variable} sets no key of vocald");
                continue;
            };
            return Err(ConfigError::UnknownKey {
                nearest: Some(format!("{PREFIX}{nearest}")),
                key: variable,
            });
        }
    }
    Ok(laid)
}

fn variable_name(leaf: &Leaf) -> String {
    leaf.path.join("_").to_uppercase()
}

/// The value of a variable. For a text key it is the text itself; for a list of words, words with commas between
/// them or TOML; for anything else, TOML. Whether it fits the key is checked later, with the rest.
fn read(text: &str, default: &Value) -> Value {
    let word = || Value::String(text.to_owned());
    let toml = || {
        let table = format!("x = {text}").parse::<Table>().ok()?;
        // A line break in the text could set other keys.
        (table.len() == 1)
            .then(|| table.get("x").cloned())
            .flatten()
    };
    match default {
        Value::String(known) if known != CHECKPOINT && known != INHERIT => word(),
        Value::Array(_) if !text.trim_start().starts_with('[') => {
            let words = text.split(',').map(str::trim).filter(|w| !w.is_empty());
            Value::Array(words.map(|w| Value::String(w.into())).collect())
        }
        _ => toml().unwrap_or_else(word),
    }
}

/// The error is a sentence.
fn set(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    let [tables @ .., key] = path else {
        return Ok(());
    };
    let mut at = table;
    for name in tables {
        let next = at
            .entry(name)
            .or_insert_with(|| match name == keys::SOURCE {
                true => Value::Array(vec![Value::Table(Table::new())]),
                false => Value::Table(Table::new()),
            });
        at = match next {
            Value::Table(table) => table,
            Value::Array(tables) => match &mut tables[..] {
                [Value::Table(table)] => table,
                tables => {
                    return Err(format!(
                        "the file has {} sources; a variable can only set a single one",
                        tables.len()
                    ));
                }
            },
            _ => return Err(format!("in the file, `{name}` is a value and not a table")),
        };
    }
    at.insert(key.clone(), value);
    Ok(())
}
