//! Reference documentation of a settings type, from its JSON Schema: Markdown tables, and a commented TOML file.
//!
//! The doc comments of the type and its fields are the text, its `Default` gives the defaults, and the endings of
//! the names give the units (`_s`, `_hz` and so on).

use std::fmt::Write as _;

use schemars::Schema;
use serde_json::{Map, Value};

/// Longest line of comments in a TOML file.
const COLUMNS: usize = 100;
/// Endings of names, and the units they stand for.
const UNITS: [(&str, &str); 8] = [
    ("_s", "s"),
    ("_ms", "ms"),
    ("_h", "h"),
    ("_hz", "Hz"),
    ("_db", "dB"),
    ("_frames", "frames"),
    ("_messages", "messages"),
    ("_events", "events"),
];

/// A table of settings: the keys that are values, then the tables below it.
struct Table<'a> {
    /// As `["publish", "osc"]`; empty at the top.
    path: Vec<&'a str>,
    /// Whether there may be several, as `[[source]]`.
    is_list: bool,
    /// Whether the default has none of them.
    is_empty_list: bool,
    description: String,
    keys: Vec<Key<'a>>,
}

struct Key<'a> {
    name: &'a str,
    kind: String,
    /// `None`: required. Null: not set.
    default: Option<&'a Value>,
    meaning: String,
}

/// A heading and a table of keys (type, default, unit, meaning) for every table of the settings.
///
/// `order`: settings whose keys are in the order to print; keys that it lacks come last.
pub fn markdown(schema: &Schema, order: &toml::Table) -> String {
    let mut text = String::new();
    for table in tables(schema, order) {
        let _ = match table.path.is_empty() {
            true => write!(text, "{}\n\n", table.description),
            false => write!(text, "## `{}`\n\n{}\n\n", table.header(), table.description),
        };
        if table.keys.is_empty() {
            continue;
        }
        text.push_str("| Key | Type | Default | Unit | Meaning |\n|---|---|---|---|---|\n");
        for key in &table.keys {
            let default = match key.default {
                Some(Value::Null) => "not set".into(),
                Some(default) => format!("`{default}`"),
                None => "required".into(),
            };
            let (name, unit) = (key.name, unit(key.name).unwrap_or_default());
            let row = [
                &format!("`{name}`"),
                &key.kind,
                &default,
                unit,
                &key.meaning,
            ];
            let row = row.map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// A TOML file of all defaults, each key under its meaning, in the order of `order`. Lists of tables that are empty by
/// default are one key.
pub fn toml(schema: &Schema, order: &toml::Table) -> String {
    let mut text = String::new();
    for table in tables(schema, order) {
        if table.is_empty_list || table.keys.is_empty() {
            continue;
        }
        if !table.path.is_empty() {
            comment(&mut text, &table.description);
            let _ = writeln!(text, "{}", table.header());
        }
        for key in &table.keys {
            text.push('\n');
            let unit = unit(key.name).map(|unit| format!(" Unit: {unit}."));
            comment(
                &mut text,
                &format!("{}{}", key.meaning, unit.unwrap_or_default()),
            );
            // JSON of single values and of lists of them is TOML too.
            let _ = match key.default {
                Some(Value::Null) => writeln!(text, "# {} is not set", key.name),
                Some(default) => writeln!(text, "{} = {default}", key.name),
                None => writeln!(text, "# {} is required", key.name),
            };
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

impl Table<'_> {
    fn header(&self) -> String {
        let path = self.path.join(".");
        match self.is_list {
            true => format!("[[{path}]]"),
            false => format!("[{path}]"),
        }
    }
}

fn unit(name: &str) -> Option<&'static str> {
    // The longest ending counts: `_ms` and not `_s`.
    let ends = UNITS.iter().filter(|(ending, _)| name.ends_with(ending));
    ends.max_by_key(|(ending, _)| ending.len())
        .map(|&(_, unit)| unit)
}

/// Writes `text` as comment lines, wrapped.
fn comment(into: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > COLUMNS {
            let _ = writeln!(into, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(into, "{line}");
}

fn tables<'a>(schema: &'a Schema, order: &toml::Table) -> Vec<Table<'a>> {
    let root = schema.as_value();
    let mut tables = Vec::new();
    if let Some(object) = root.as_object() {
        let top = Table {
            path: Vec::new(),
            is_list: false,
            is_empty_list: false,
            description: description(object).unwrap_or_default(),
            keys: Vec::new(),
        };
        gather(root, object, Some(order), top, &mut tables);
    }
    tables
}

/// Adds `table` with the keys of `object`, then the tables below it.
fn gather<'a>(
    root: &'a Value,
    object: &'a Map<String, Value>,
    order: Option<&toml::Table>,
    mut table: Table<'a>,
    tables: &mut Vec<Table<'a>>,
) {
    let mut below = Vec::new();
    let properties = object.get("properties").and_then(Value::as_object);
    let mut properties: Vec<_> = properties.into_iter().flatten().collect();
    let place = |name: &str| order?.keys().position(|key| key == name);
    properties.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    for (name, property) in properties {
        let default = property.get("default");
        let own = property.as_object().and_then(description);
        let element = resolved(root, property).get("items");
        let table_of_keys = [Some(property), element]
            .into_iter()
            .flatten()
            .map(|schema| resolved(root, schema))
            .find(|schema| schema.get("properties").is_some());
        let inner = table_of_keys.and_then(Value::as_object);
        let is_list = inner.is_some() && element.is_some();
        let is_empty_list = default.and_then(Value::as_array).is_none_or(Vec::is_empty);
        if let Some(inner) = inner {
            let mut path = table.path.clone();
            path.push(name);
            let lower = Table {
                path,
                is_list,
                is_empty_list: is_list && is_empty_list,
                description: description(inner).or(own.clone()).unwrap_or_default(),
                keys: Vec::new(),
            };
            let order = order.and_then(|order| match order.get(name)? {
                toml::Value::Array(items) => items.first()?.as_table(),
                value => value.as_table(),
            });
            below.push((inner, order, lower));
        }
        if inner.is_none() || (is_list && is_empty_list) {
            table.keys.push(Key {
                name,
                kind: kind(root, property),
                default,
                meaning: own
                    .or_else(|| inner.and_then(description))
                    .or_else(|| resolved(root, property).as_object().and_then(description))
                    .unwrap_or_default(),
            });
        }
    }
    tables.push(table);
    for (inner, order, lower) in below {
        gather(root, inner, order, lower, tables);
    }
}

/// The description on one line.
fn description(schema: &Map<String, Value>) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Follows `$ref`, and the choice between a schema and null.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = name.strip_prefix('#').and_then(|path| root.pointer(path));
        return target.map_or(schema, |target| resolved(root, target));
    }
    match choices(schema) {
        Some([only]) => resolved(root, only),
        Some([some, null]) if is_null(null) => resolved(root, some),
        _ => schema,
    }
}

fn choices(schema: &Value) -> Option<&[Value]> {
    let choices = schema.get("anyOf").or_else(|| schema.get("oneOf"))?;
    choices.as_array().map(Vec::as_slice)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

/// The type of a value, for people.
fn kind(root: &Value, schema: &Value) -> String {
    let schema = resolved(root, schema);
    let word = |value: &Value| match value {
        Value::String(word) => format!("`{word}`"),
        other => format!("`{other}`"),
    };
    if let Some(constant) = schema.get("const") {
        return word(constant);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = values.iter().filter(|v| !v.is_null()).map(word).collect();
        return words.join(", ");
    }
    if let Some(choices) = choices(schema) {
        let kinds = choices.iter().filter(|choice| !is_null(choice));
        let kinds: Vec<String> = kinds.map(|choice| kind(root, choice)).collect();
        return kinds.join(" or ");
    }
    let names = match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    match names.iter().find(|&&name| name != "null") {
        Some(&"string") => "text".into(),
        Some(&"boolean") => "true or false".into(),
        Some(&"array") => match schema.get("items") {
            Some(_) if resolved(root, &schema["items"]).get("properties").is_some() => {
                "list of tables".into()
            }
            Some(items) => format!("list of {}", kind(root, items)),
            None => "list".into(),
        },
        Some(&"object") => "table".into(),
        Some(name) => (*name).into(),
        None => "any".into(),
    }
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, schema_for};
    use serde::Serialize;

    use super::*;

    /// Settings of a clock.
    #[derive(Serialize, JsonSchema)]
    #[serde(default)]
    struct Clock {
        /// How often | it ticks.
        tick_hz: f64,
        /// Who it is for.
        owner: Option<String>,
        alarm: Alarm,
        bells: Vec<Bell>,
        hands: Vec<Hand>,
    }

    /// When to ring.
    #[derive(Serialize, JsonSchema)]
    #[serde(default)]
    struct Alarm {
        /// Time after midnight.
        at_s: u32,
        /// `loud` or `soft`.
        sound: Sound,
    }

    #[derive(Serialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[allow(dead_code)] // Only its name is used.
    enum Sound {
        Loud,
        Soft,
    }

    /// A bell.
    #[derive(Serialize, JsonSchema)]
    struct Bell {
        /// What is struck.
        note: u8,
    }

    /// A hand.
    #[derive(Serialize, JsonSchema)]
    #[serde(default)]
    struct Hand {
        /// Of the hand.
        length: f32,
    }

    impl Default for Clock {
        fn default() -> Self {
            Self {
                tick_hz: 1.0,
                owner: None,
                alarm: Alarm::default(),
                bells: Vec::new(),
                hands: vec![Hand::default()],
            }
        }
    }

    impl Default for Alarm {
        fn default() -> Self {
            Self {
                at_s: 25_200,
                sound: Sound::Loud,
            }
        }
    }

    impl Default for Hand {
        fn default() -> Self {
            Self { length: 0.5 }
        }
    }

    fn order() -> toml::Table {
        toml::Table::try_from(Clock::default()).unwrap()
    }

    #[test]
    fn every_table_has_its_keys_in_markdown() {
        assert_eq!(
            markdown(&schema_for!(Clock), &order()),
            "\
Settings of a clock.

| Key | Type | Default | Unit | Meaning |
|---|---|---|---|---|
| `tick_hz` | number | `1.0` | Hz | How often \\| it ticks. |
| `bells` | list of tables | `[]` |  | A bell. |
| `owner` | text | not set |  | Who it is for. |

## `[alarm]`

When to ring.

| Key | Type | Default | Unit | Meaning |
|---|---|---|---|---|
| `at_s` | integer | `25200` | s | Time after midnight. |
| `sound` | `loud`, `soft` | `\"loud\"` |  | `loud` or `soft`. |

## `[[bells]]`

A bell.

| Key | Type | Default | Unit | Meaning |
|---|---|---|---|---|
| `note` | integer | required |  | What is struck. |

## `[[hands]]`

A hand.

| Key | Type | Default | Unit | Meaning |
|---|---|---|---|---|
| `length` | number | `0.5` |  | Of the hand. |
"
        );
    }

    #[test]
    fn the_toml_file_is_the_default() {
        let text = super::toml(&schema_for!(Clock), &order());
        let read: toml::Table = text.parse().unwrap();
        assert_eq!(read, order(), "{text}");
        assert!(
            text.contains("# Time after midnight. Unit: s.\nat_s = 25200\n"),
            "{text}"
        );
    }
}
