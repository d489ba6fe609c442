//! The types of messages, for those who want only some.

use serde::{Deserialize, Serialize};

use super::Message;

/// The `type` of a message that can be chosen. The others, `hello` and `lagged`, are for everybody:
/// they say how to read the rest, and what is missing from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    Decision,
    Onset,
    Offset,
    State,
    Gap,
    Level,
}

impl MessageType {
    pub const ALL: [Self; 6] = [
        Self::Decision,
        Self::Onset,
        Self::Offset,
        Self::State,
        Self::Gap,
        Self::Level,
    ];

    /// `None` where the message is about the subscription itself and always comes.
    pub fn of(message: &Message) -> Option<Self> {
        match message {
            Message::Hello(_) | Message::Lagged(_) | Message::Refused(_) => None,
            Message::Decision(_) => Some(Self::Decision),
            Message::Onset(_) => Some(Self::Onset),
            Message::Offset(_) => Some(Self::Offset),
            Message::State(_) => Some(Self::State),
            Message::Gap(_) => Some(Self::Gap),
            Message::Level(_) => Some(Self::Level),
        }
    }
}
