//! Subscriptions: which types of messages, which streams, how often.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::message::ALL_STREAMS;
use crate::{Message, MessageType};

/// A longer list is taken for an attack on the daemon's memory.
const STREAMS_MAX: usize = 256;

/// A receiver's choice of messages; in JSON `{"types": ["decision"], "streams": ["hall"], "rate": 5}`, where every
/// field is optional. The default is all types but `level`, of all streams, at the full rate.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// `None`: everything but `level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    types: Option<Vec<MessageType>>,
    /// `None`: all.
    #[serde(
        default,
        deserialize_with = "few_names",
        skip_serializing_if = "Option::is_none"
    )]
    streams: Option<Vec<String>>,
    /// `None`: all.
    #[serde(
        default,
        deserialize_with = "above_zero",
        skip_serializing_if = "Option::is_none"
    )]
    rate: Option<f64>,
}

/// A subscription that cannot be read. One sentence, for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// Not an object with these fields.
    #[error(
        "this is no choice such as {{\"types\":[\"onset\",\"offset\"],\"streams\":[\"hall\"],\"rate\":5}}: {0}"
    )]
    Json(String),
    /// A rate in a query that is not a number.
    #[error("rate={0} is not a number")]
    Rate(String),
    /// A value in a query that cannot be used.
    #[error("{0}")]
    Query(String),
}

impl Subscription {
    /// Every type, including `level`.
    pub fn everything() -> Self {
        Self::default().with_types(MessageType::ALL.to_vec())
    }

    /// With these types only.
    #[must_use]
    pub fn with_types(mut self, types: Vec<MessageType>) -> Self {
        self.types = Some(types);
        self
    }

    /// With these streams only; a daemon accepts at most 256.
    #[must_use]
    pub fn with_streams(mut self, streams: Vec<String>) -> Self {
        self.streams = Some(streams);
        self
    }

    /// With at most this many decisions, and this many levels, per second of each stream. A rate that is not above 0
    /// is no limit.
    #[must_use]
    pub fn with_rate(mut self, per_second: f64) -> Self {
        self.rate = (per_second > 0.0).then_some(per_second);
        self
    }

    /// The most decisions, and the most levels, per second of each stream; `None`: no limit.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Reads one line of JSON.
    ///
    /// # Errors
    ///
    /// If it is not an object, or has an unknown field, type, or an impossible rate.
    pub fn from_json(line: &str) -> Result<Self, SubscriptionError> {
        // Through an object: serde would also read an array of the fields.
        let object = serde_json::from_str::<Map<_, _>>(line);
        object
            .and_then(|object| serde_json::from_value(object.into()))
            .map_err(|error| SubscriptionError::Json(error.to_string()))
    }

    /// Reads the values of a URL's query, names separated by commas. An empty or missing value is no choice.
    ///
    /// # Errors
    ///
    /// If there is an unknown type or an impossible rate.
    pub fn from_query(
        types: Option<&str>,
        streams: Option<&str>,
        rate: Option<&str>,
    ) -> Result<Self, SubscriptionError> {
        let mut object = Map::new();
        for (name, list) in [("types", types), ("streams", streams)] {
            if let Some(list) = list.filter(|list| !list.is_empty()) {
                let names: Vec<Value> = list.split(',').map(|name| name.trim().into()).collect();
                object.insert(name.into(), names.into());
            }
        }
        if let Some(rate) = rate.filter(|rate| !rate.is_empty()) {
            let number = rate.parse().ok().filter(|number: &f64| number.is_finite());
            let number = number.ok_or_else(|| SubscriptionError::Rate(rate.into()))?;
            object.insert("rate".into(), number.into());
        }
        serde_json::from_value(object.into())
            .map_err(|error| SubscriptionError::Query(error.to_string()))
    }

    /// Whether the type and the stream of `message` are chosen. Messages about the subscription itself always are;
    /// those about no single stream need no choice of a stream.
    pub fn includes(&self, message: &Message) -> bool {
        let Some(kind) = MessageType::of(message) else {
            return true;
        };
        let has_type = match &self.types {
            Some(types) => types.contains(&kind),
            None => kind != MessageType::Level,
        };
        let stream = message.stream();
        let has_stream = stream == ALL_STREAMS
            || self
                .streams
                .as_ref()
                .is_none_or(|streams| streams.iter().any(|name| name == stream));
        has_type && has_stream
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
