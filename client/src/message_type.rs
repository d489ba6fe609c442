//! Types of messages, for subscriptions.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Message;

/// The `type` of a message that a subscription can choose.
///
/// The others, `hello`, `lagged`, `reply` and `refused`, are about the subscription itself and always sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // Each is documented in `message`.
pub enum MessageType {
    Decision,
    Onset,
    Offset,
    SpeechOnset,
    SpeechOffset,
    State,
    Gap,
    Level,
    Settings,
    Sink,
    Reload,
    Lock,
}

impl MessageType {
    /// All types, in the order of the schema.
    pub const ALL: [Self; 12] = [
        Self::Decision,
        Self::Onset,
        Self::Offset,
        Self::SpeechOnset,
        Self::SpeechOffset,
        Self::State,
        Self::Gap,
        Self::Level,
        Self::Settings,
        Self::Sink,
        Self::Reload,
        Self::Lock,
    ];

    /// The type of `message`; `None` if it is about the subscription itself.
    pub fn of(message: &Message) -> Option<Self> {
        match message {
            Message::Hello(_) | Message::Lagged(_) | Message::Reply(_) | Message::Refused(_) => {
                None
            }
            Message::Decision(_) => Some(Self::Decision),
            Message::Onset(_) => Some(Self::Onset),
            Message::Offset(_) => Some(Self::Offset),
            Message::SpeechOnset(_) => Some(Self::SpeechOnset),
            Message::SpeechOffset(_) => Some(Self::SpeechOffset),
            Message::State(_) => Some(Self::State),
            Message::Gap(_) => Some(Self::Gap),
            Message::Level(_) => Some(Self::Level),
            Message::Settings(_) => Some(Self::Settings),
            Message::Sink(_) => Some(Self::Sink),
            Message::Reload(_) => Some(Self::Reload),
            Message::Lock(_) => Some(Self::Lock),
        }
    }

    /// The word in JSON, as `onset`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Onset => "onset",
            Self::Offset => "offset",
            Self::SpeechOnset => "speech_onset",
            Self::SpeechOffset => "speech_offset",
            Self::State => "state",
            Self::Gap => "gap",
            Self::Level => "level",
            Self::Settings => "settings",
            Self::Sink => "sink",
            Self::Reload => "reload",
            Self::Lock => "lock",
        }
    }
}

/// A word that is not a message type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a message type: use decision, onset, offset, speech_onset, speech_offset, state, gap, level, settings, sink, reload or lock"
)]
pub struct UnknownMessageType(String);

impl FromStr for MessageType {
    type Err = UnknownMessageType;

    fn from_str(text: &str) -> Result<Self, UnknownMessageType> {
        let found = Self::ALL.into_iter().find(|kind| kind.word() == text);
        found.ok_or_else(|| UnknownMessageType(text.to_owned()))
    }
}
