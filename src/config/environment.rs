//! Keys from the environment: `decision.enter` is `VOCALD_DECISION_ENTER`. Over the file, under the
//! command line. Of the sources only a single one can be set so, as `VOCALD_SOURCE_INPUT`.

use toml::{Table, Value};

use crate::config::keys;
use crate::config::keys::Leaf;
use crate::config::{CHECKPOINT, ConfigError};

const PREFIX: &str = "VOCALD_";
/// Variables with this prefix that are no keys: the secrets, the file's place, and what a command
/// on an onset is told, which may start another vocald.
const OTHERS: [&str; 10] = [
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
];

/// Lays what the environment sets over a configuration; the names of the variables that did.
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
            set(table, &leaf.path, value).map_err(|fault| ConfigError::value(&variable, fault))?;
            laid.push(variable);
        } else if !OTHERS.contains(&name) {
            let names: Vec<String> = leaves.iter().map(variable_name).collect();
            let Some(nearest) = keys::nearest(name, names.iter().map(String::as_str)) else {
                tracing::warn!("the environment's {variable} is none of vocald's variables");
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

/// A text stands for itself, anything else is written as in the file; a list of words also with
/// commas alone. What fits the key is seen when it is read with the rest.
fn read(text: &str, default: &Value) -> Value {
    let word = || Value::String(text.to_owned());
    let toml = || {
        let table = format!("x = {text}").parse::<Table>().ok()?;
        // A line break in the text could smuggle in other keys.
        (table.len() == 1)
            .then(|| table.get("x").cloned())
            .flatten()
    };
    match default {
        Value::String(known) if known != CHECKPOINT => word(),
        Value::Array(_) if !text.trim_start().starts_with('[') => {
            let words = text.split(',').map(str::trim).filter(|w| !w.is_empty());
            Value::Array(words.map(|w| Value::String(w.into())).collect())
        }
        _ => toml().unwrap_or_else(word),
    }
}

fn set(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    let [folders @ .., key] = path else {
        return Ok(());
    };
    let mut place = table;
    for folder in folders {
        let next = place
            .entry(folder)
            .or_insert_with(|| match folder == keys::SOURCE {
                true => Value::Array(vec![Value::Table(Table::new())]),
                false => Value::Table(Table::new()),
            });
        place = match next {
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
            _ => return Err(format!("the file says `{folder}` is a value")),
        };
    }
    place.insert(key.clone(), value);
    Ok(())
}
