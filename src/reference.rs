//! Reference documentation of a settings type, from its JSON Schema: Markdown tables, and a commented TOML file.
//!
//! The doc comments of the type and its fields are the text, its `Default` gives the defaults, and the endings of
//! the names give the units (`_s`, `_hz` and so on).

mod tables;

use std::fmt::Write as _;

use schemars::Schema;
use serde_json::Value;

use tables::tables;

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
