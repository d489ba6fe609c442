//! What one receiver wants of all that is published: which types, which streams, how often.

use serde::{Deserialize, Deserializer, Serialize};

use crate::Message;
use crate::MessageType;

/// More names than this are no choice but an attack on memory.
const STREAMS_MAX: usize = 256;

/// A receiver's choice, as it sends it: `{"types": ["decision"], "streams": ["hall"], "rate": 5}`.
/// What it leaves out keeps its default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// None: everything but `level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    types: Option<Vec<MessageType>>,
    /// None: all.
    #[serde(
        default,
        deserialize_with = "few_names",
        skip_serializing_if = "Option::is_none"
    )]
    streams: Option<Vec<String>>,
    /// At most so many decisions, and so many levels, a second of a stream. None: all.
    #[serde(
        default,
        deserialize_with = "above_zero",
        skip_serializing_if = "Option::is_none"
    )]
    rate: Option<f64>,
}

impl Subscription {
    /// Every type, `level` too.
    pub fn everything() -> Self {
        Self::default().with_types(MessageType::ALL.to_vec())
    }

    pub fn with_types(mut self, types: Vec<MessageType>) -> Self {
        self.types = Some(types);
        self
    }

    pub fn with_streams(mut self, streams: Vec<String>) -> Self {
        self.streams = Some(streams);
        self
    }

    /// A rate that is not above 0 is no limit.
    pub fn with_rate(mut self, per_second: f64) -> Self {
        self.rate = (per_second > 0.0).then_some(per_second);
        self
    }

    /// The most decisions, and the most levels, a second of a stream; `None` is no limit.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Reads one line of JSON. The error is a sentence for whoever wrote it.
    pub fn from_json(line: &str) -> Result<Self, String> {
        // By way of an object: an array would pass for one with its fields in order.
        let object = serde_json::from_str::<serde_json::Map<_, _>>(line);
        object.and_then(|o| serde_json::from_value(o.into())).map_err(|e| {
            format!("this is no choice such as {{\"types\":[\"onset\",\"offset\"],\"streams\":[\"hall\"],\"rate\":5}}: {e}")
        })
    }

    /// Reads the values of a query: names parted by commas. An empty or missing value is no choice.
    pub fn from_query(
        types: Option<&str>,
        streams: Option<&str>,
        rate: Option<&str>,
    ) -> Result<Self, String> {
        let names = |list: &str| -> Vec<serde_json::Value> {
            list.split(',').map(|name| name.trim().into()).collect()
        };
        let given = |value: Option<&str>| value.filter(|v| !v.is_empty()).map(str::to_owned);
        let mut choice = serde_json::Map::new();
        if let Some(types) = given(types) {
            choice.insert("types".into(), names(&types).into());
        }
        if let Some(streams) = given(streams) {
            choice.insert("streams".into(), names(&streams).into());
        }
        if let Some(rate) = given(rate) {
            let number: f64 = rate
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| format!("rate={rate} is not a number"))?;
            choice.insert("rate".into(), number.into());
        }
        serde_json::from_value(choice.into()).map_err(|e| e.to_string())
    }

    /// Whether the type and the stream of `message` are chosen; those about the subscription itself
    /// always are.
    pub fn wants(&self, message: &Message) -> bool {
        let Some(kind) = MessageType::of(message) else {
            return true;
        };
        let type_wanted = match &self.types {
            Some(types) => types.contains(&kind),
            None => kind != MessageType::Level,
        };
        type_wanted
            && self
                .streams
                .as_ref()
                .is_none_or(|streams| streams.iter().any(|name| name == message.stream()))
    }
}

fn few_names<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Option::<Vec<String>>::deserialize(from)?;
    match names.as_ref().is_some_and(|n| n.len() > STREAMS_MAX) {
        true => Err(serde::de::Error::custom(format!(
            "more than {STREAMS_MAX} streams are named"
        ))),
        false => Ok(names),
    }
}

fn above_zero<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let rate = Option::<f64>::deserialize(from)?;
    match rate {
        Some(rate) if !(rate.is_finite() && rate > 0.0) => Err(serde::de::Error::custom(format!(
            "the rate {rate} is not above 0 a second"
        ))),
        rate => Ok(rate),
    }
}
