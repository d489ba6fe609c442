//! `[source.decision]`: decision settings of one source, over those of `[decision]`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{DecisionConfig, FromCheckpoint};

/// The word for "as in `[decision]`".
pub(super) const INHERIT: &str = "decision";

/// A value of a source, or that of `[decision]`: in TOML a number, `"decision"` or `"checkpoint"`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Inherited<T> {
    /// The value of `[decision]` holds.
    #[default]
    Inherit,
    /// The source has its own.
    Own(FromCheckpoint<T>),
}

impl<T: Copy> Inherited<T> {
    fn or(self, inherited: FromCheckpoint<T>) -> FromCheckpoint<T> {
        match self {
            Self::Inherit => inherited,
            Self::Own(own) => own,
        }
    }
}

impl<T: Serialize> Serialize for Inherited<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inherit => serializer.serialize_str(INHERIT),
            Self::Own(own) => own.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Inherited<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<T> {
            Own(FromCheckpoint<T>),
            Word(String),
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Own(value)) => Ok(Self::Own(value)),
            Ok(Either::Word(word)) if word == INHERIT => Ok(Self::Inherit),
            _ => Err(serde::de::Error::custom(
                "this must be a number, \"decision\" or \"checkpoint\"",
            )),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Inherited<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Inherited_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [value, { "const": INHERIT }] })
    }
}

/// Decision settings of this source's streams. Every key is that of `[decision]` until it is set; `"checkpoint"` is the
/// checkpoint's own.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceDecisionConfig {
    /// The horizon to publish, in frames. It takes the place of `lookahead_s` in `[decision]`.
    pub horizon_frames: Inherited<u32>,
    /// The longest look-ahead. It takes the place of `horizon_frames` in `[decision]`.
    pub lookahead_s: Inherited<f64>,
    /// Moves `enter`, `reenter` and `leave` together.
    pub threshold: Inherited<f32>,
    /// Voice begins at this probability and above.
    pub enter: Inherited<f32>,
    /// The same while recent output contained singing.
    pub reenter: Inherited<f32>,
    /// Time constant of "recent" in `reenter`.
    pub recency_s: Inherited<f32>,
    /// Voice ends below this probability.
    pub leave: Inherited<f32>,
    /// Windows among the last `confirm_m` that must agree before the state changes.
    pub confirm_n: Inherited<u32>,
    /// Windows that are considered for a change of state.
    pub confirm_m: Inherited<u32>,
    /// A voice lasts at least this long.
    pub min_voice_s: Inherited<f32>,
    /// A shorter gap between two voices is bridged.
    pub min_gap_s: Inherited<f32>,
}

impl SourceDecisionConfig {
    /// The settings of the source, where `[decision]` is `general`.
    pub fn over(&self, general: &DecisionConfig) -> DecisionConfig {
        let mut horizon_frames = self.horizon_frames.or(general.horizon_frames);
        let mut lookahead_s = self.lookahead_s.or(general.lookahead_s);
        // One takes the place of the other.
        match (self.horizon_frames, self.lookahead_s) {
            (Inherited::Own(_), Inherited::Inherit) => lookahead_s = FromCheckpoint::Checkpoint,
            (Inherited::Inherit, Inherited::Own(_)) => horizon_frames = FromCheckpoint::Checkpoint,
            _ => {}
        }
        DecisionConfig {
            horizon_frames,
            lookahead_s,
            threshold: self.threshold.or(general.threshold),
            enter: self.enter.or(general.enter),
            reenter: self.reenter.or(general.reenter),
            recency_s: self.recency_s.or(general.recency_s),
            leave: self.leave.or(general.leave),
            confirm_n: self.confirm_n.or(general.confirm_n),
            confirm_m: self.confirm_m.or(general.confirm_m),
            min_voice_s: self.min_voice_s.or(general.min_voice_s),
            min_gap_s: self.min_gap_s.or(general.min_gap_s),
        }
    }
}
