//! Requests of a client that change the daemon while it runs, or ask for its settings.
//!
//! A request is one object, `{"request": "mute", "stream": "hall"}`: a line on the Unix socket, a text frame on the
//! WebSocket, or the body of `POST /api/control`. The answer is a [`Reply`](crate::message::Reply). What changes is
//! published to everyone.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::settings::{Change, DecisionChange, given};

/// Longest test of a rig, in seconds.
pub const TEST_S_MAX: f64 = 600.0;
const TEST_S: f64 = 3.0;

/// A request, and the number that its reply repeats.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Request {
    /// Any number of the client's own; the reply has the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What is requested.
    #[serde(flatten)]
    pub action: Action,
}

/// What a request does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Changes nothing; the reply has the present state and settings.
    Get {
        /// Of this stream; absent: of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
    },
    /// Changes settings until the configuration is read again.
    Set {
        /// Of this stream; absent: of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
        /// Changes of the decision settings.
        #[serde(default)]
        decision: DecisionChange,
        /// Amplification of the sound, -60 to 60 dB.
        #[serde(
            default,
            deserialize_with = "given",
            skip_serializing_if = "Option::is_none"
        )]
        gain_db: Change<f32>,
        /// Level below which no sound is voice, -120 to 0 dB of full scale; -120: no gate.
        #[serde(
            default,
            deserialize_with = "given",
            skip_serializing_if = "Option::is_none"
        )]
        gate_db: Change<f32>,
    },
    /// Publishes no voice, whatever sounds; an open one is closed.
    Mute {
        /// Of this stream; absent: of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
        /// Whether to mute, or to end it.
        #[serde(default = "yes")]
        muted: bool,
    },
    /// Publishes a voice, marked as a test, to set up what reacts to it.
    Test {
        /// Of this stream; absent: of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
        /// Its duration, at most 600 s; 0 ends a test.
        #[serde(default = "test_s")]
        seconds: f64,
    },
    /// Reads the configuration again and applies what has changed.
    Reload {},
    /// Refuses every change until it is unlocked.
    Lock {
        /// Whether to lock, or to unlock.
        #[serde(default = "yes")]
        locked: bool,
    },
}

fn yes() -> bool {
    true
}

fn test_s() -> f64 {
    TEST_S
}

/// A request that cannot be read. One sentence, for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no request such as {{\"request\":\"mute\",\"stream\":\"hall\"}}: {0}")]
pub struct RequestError(String);

impl Request {
    /// Without a number.
    pub fn new(action: Action) -> Self {
        Self { id: None, action }
    }

    /// Whether a line of JSON is meant as a request and not as a [`Subscription`](crate::Subscription).
    pub fn is_meant(line: &str) -> bool {
        serde_json::from_str::<Map<String, Value>>(line).is_ok_and(|o| o.contains_key("request"))
    }

    /// Reads one line of JSON.
    ///
    /// # Errors
    ///
    /// If it is not an object, or has an unknown request, field or impossible value.
    pub fn from_json(line: &str) -> Result<Self, RequestError> {
        let problem = |error: serde_json::Error| RequestError(error.to_string());
        let mut object: Map<String, Value> = serde_json::from_str(line).map_err(problem)?;
        let id = object.remove("id").unwrap_or_default();
        Ok(Self {
            id: serde_json::from_value(id).map_err(problem)?,
            action: serde_json::from_value(object.into()).map_err(problem)?,
        })
    }

    /// One line of JSON.
    pub fn to_json(&self) -> String {
        // Every value of these types exists in JSON, so there is no error.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Action {
    /// Whether it changes anything but the lock.
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::Get { .. } | Self::Lock { .. })
    }

    /// The word in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Get { .. } => "get",
            Self::Set { .. } => "set",
            Self::Mute { .. } => "mute",
            Self::Test { .. } => "test",
            Self::Reload {} => "reload",
            Self::Lock { .. } => "lock",
        }
    }
}

/// The JSON Schema of [`Request`], as in `config/requests.schema.json`.
#[cfg(feature = "schema")]
pub fn request_schema() -> schemars::Schema {
    schemars::schema_for!(Request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_they_are_written() {
        for (text, action) in [
            (r#"{"request":"get"}"#, Action::Get { stream: None }),
            (r#"{"request":"reload","id":7}"#, Action::Reload {}),
            (
                r#"{"request":"mute"}"#,
                Action::Mute {
                    stream: None,
                    muted: true,
                },
            ),
            (
                r#"{"request":"test","stream":"a","seconds":0}"#,
                Action::Test {
                    stream: Some("a".into()),
                    seconds: 0.0,
                },
            ),
            (
                r#"{"request":"lock","locked":false}"#,
                Action::Lock { locked: false },
            ),
            (
                r#"{"request":"set","decision":{"enter":0.5,"leave":null},"gain_db":-3}"#,
                Action::Set {
                    stream: None,
                    decision: DecisionChange {
                        enter: Some(Some(0.5)),
                        leave: Some(None),
                        ..DecisionChange::default()
                    },
                    gain_db: Some(Some(-3.0)),
                    gate_db: None,
                },
            ),
        ] {
            let read = Request::from_json(text).unwrap();
            assert_eq!(read.action, action);
            assert_eq!(Request::from_json(&read.to_json()), Ok(read.clone()));
            assert_eq!(read.id, text.contains("id").then_some(7));
            assert!(Request::is_meant(text));
        }
        assert!(!Request::is_meant(r#"{"types":["onset"]}"#));
    }

    #[test]
    fn what_is_no_request_is_an_error() {
        for text in [
            "",
            "[]",
            r#"{"request":"fly"}"#,
            r#"{"request":"reload","now":true}"#,
            r#"{"request":"get","streams":["a"]}"#,
            r#"{"request":"set","decision":{"entr":0.5}}"#,
            r#"{"request":"set","decision":{"enter":"high"}}"#,
            r#"{"request":"lock","locked":1}"#,
            r#"{"request":"get","id":"x"}"#,
        ] {
            assert!(Request::from_json(text).is_err(), "{text}");
        }
    }
}
