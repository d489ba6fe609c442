//! Values that the checkpoint brings with it unless they are set.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The word for "not set" in a configuration.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// A value of the configuration, or the checkpoint's own: in TOML a number or `"checkpoint"`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum FromCheckpoint<T> {
    /// The checkpoint's own value holds.
    #[default]
    Checkpoint,
    /// This value holds.
    Set(T),
}

impl<T: Copy> FromCheckpoint<T> {
    /// The value, if it is set.
    pub fn set(self) -> Option<T> {
        match self {
            Self::Checkpoint => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The value, or else the checkpoint's own.
    pub fn or(self, checkpoint: T) -> T {
        self.set().unwrap_or(checkpoint)
    }
}

impl<T> From<Option<T>> for FromCheckpoint<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Checkpoint, Self::Set)
    }
}

impl<T: Serialize> Serialize for FromCheckpoint<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Checkpoint => serializer.serialize_str(CHECKPOINT),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FromCheckpoint<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<T> {
            Value(T),
            Word(String),
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Value(value)) => Ok(Self::Set(value)),
            Ok(Either::Word(word)) if word == CHECKPOINT => Ok(Self::Checkpoint),
            _ => Err(serde::de::Error::custom(
                "this must be a number or \"checkpoint\"",
            )),
        }
    }
}

impl<T: JsonSchema> JsonSchema for FromCheckpoint<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("FromCheckpoint_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [value, { "const": CHECKPOINT }] })
    }
}
