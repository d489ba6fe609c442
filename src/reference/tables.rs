//! The tables and keys of settings, read from their JSON Schema.

use schemars::Schema;
use serde_json::{Map, Value};

/// A table of settings: the keys that are values, then the tables below it.
pub struct Table<'a> {
    /// As `["publish", "osc"]`; empty at the top.
    pub path: Vec<&'a str>,
    /// Whether there may be several, as `[[source]]`.
    pub is_list: bool,
    /// Whether the default has none of them.
    pub is_empty_list: bool,
    pub description: String,
    pub keys: Vec<Key<'a>>,
}

pub struct Key<'a> {
    pub name: &'a str,
    pub kind: String,
    /// `None`: required. Null: not set.
    pub default: Option<&'a Value>,
    pub meaning: String,
}

impl Table<'_> {
    /// As in TOML.
    pub fn header(&self) -> String {
        let path = self.path.join(".");
        match self.is_list {
            true => format!("[[{path}]]"),
            false => format!("[{path}]"),
        }
    }
}

/// All tables, the upper ones first.
pub fn tables<'a>(schema: &'a Schema, order: &toml::Table) -> Vec<Table<'a>> {
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
