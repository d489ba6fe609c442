//! What may be present in a stream, each with a retained topic of its own.

/// Something that is present in a stream, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// What counts as the stream's voice.
    Voice,
    /// Speech, from models that have an output for it.
    Speech,
}

impl Flag {
    /// Last level of its topic.
    pub fn level(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Speech => "speech",
        }
    }

    /// The payload.
    pub fn word(present: bool) -> &'static str {
        if present { "ON" } else { "OFF" }
    }
}
