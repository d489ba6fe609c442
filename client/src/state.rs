//! The states of a stream and the reasons of a loss: the same values from the source to the message.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the source of a stream does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// No sound yet.
    Starting,
    /// The source is not there yet, or nobody writes to its FIFO; it is used as soon as it is there.
    Waiting,
    /// Sound arrives and decisions are published.
    Running,
    /// Only digital zeros for 2 s: a muted or unplugged input.
    Silent,
    /// The source is present but delivers nothing.
    Stalled,
    /// The source is gone; it is used again when it returns.
    Reconnecting,
    /// The source ended, or the run was stopped.
    Ended,
    /// The source or the inference failed and does not recover.
    Failed,
    /// A state that only a newer daemon has; never published.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl StreamState {
    /// Whether sound arrives. Without it no voice is present, and an open one has been closed.
    pub fn has_sound(self) -> bool {
        matches!(self, Self::Running | Self::Silent)
    }

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Silent => "silent",
            Self::Stalled => "stalled",
            Self::Reconnecting => "reconnecting",
            Self::Ended => "ended",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A change of a stream's state and the reason for it, in one sentence.
///
/// The same value travels from the source that changes to the [`State`](crate::message::State) message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The new state.
    pub state: StreamState,
    /// One sentence, for people.
    pub reason: Option<String>,
}

impl StateChange {
    /// Sound flows and is decided on.
    pub fn running() -> Self {
        Self {
            state: StreamState::Running,
            reason: None,
        }
    }

    /// Nothing but digital zeros flows.
    pub fn silent() -> Self {
        Self::because(StreamState::Silent, "nothing but digital zeros")
    }

    /// The source is not there yet and is waited for.
    pub fn waiting(reason: impl Into<String>) -> Self {
        Self::because(StreamState::Waiting, reason)
    }

    /// The source is there but delivers nothing.
    pub fn stalled(reason: impl Into<String>) -> Self {
        Self::because(StreamState::Stalled, reason)
    }

    /// The source is gone and is looked for.
    pub fn reconnecting(reason: impl Into<String>) -> Self {
        Self::because(StreamState::Reconnecting, reason)
    }

    /// The source ended; `reason` where it was ended from outside.
    pub fn ended(reason: Option<String>) -> Self {
        Self {
            state: StreamState::Ended,
            reason,
        }
    }

    /// The source or inference failed for good.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::because(StreamState::Failed, reason)
    }

    fn because(state: StreamState, reason: impl Into<String>) -> Self {
        Self {
            state,
            reason: Some(reason.into()),
        }
    }
}

/// Where samples or windows were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The machine was too busy to read the capture buffer.
    RingFull,
    /// Inference was too slow and skipped its oldest windows.
    InferenceBehind,
    /// The device delivered nothing; measured by the clock.
    Device,
    /// A reason that only a newer daemon has; never published.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl GapReason {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::InferenceBehind => "inference_behind",
            Self::Device => "device",
            Self::Unknown => "unknown",
        }
    }
}

/// What counts as the voice of a stream: what its decisions, onsets and offsets are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// Singing and rapping.
    #[default]
    Singing,
    /// Speech. It needs a model with that output.
    Speech,
    /// Both. It needs such a model too.
    Either,
}

impl Counts {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Singing => "singing",
            Self::Speech => "speech",
            Self::Either => "either",
        }
    }

    /// Whether it is singing, the default.
    pub fn is_singing(&self) -> bool {
        *self == Self::Singing
    }
}

/// Why a voice began or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EventReason {
    /// The probabilities crossed a threshold.
    #[default]
    Decision,
    /// No sound arrived for the source's `stall_s`.
    Stalled,
    /// The source is gone: unplugged, or its writer has left.
    Lost,
    /// Sound or windows were lost, so that nothing is known of the time between.
    Gap,
    /// The source ended, or the run was stopped.
    Ended,
    /// The source, its thread or inference failed.
    Failed,
    /// The stream is muted.
    Muted,
    /// A test of the rig begins or ends.
    Test,
    /// A reason that only a newer daemon has; never published.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl EventReason {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Stalled => "stalled",
            Self::Lost => "lost",
            Self::Gap => "gap",
            Self::Ended => "ended",
            Self::Failed => "failed",
            Self::Muted => "muted",
            Self::Test => "test",
            Self::Unknown => "unknown",
        }
    }
}

/// What an output does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SinkState {
    /// It delivers.
    Running,
    /// The other end is not there, or refuses; it is tried again.
    Waiting,
    /// It failed and does not recover.
    Failed,
    /// It is not configured any more.
    Ended,
    /// A state that only a newer daemon has; never published.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl SinkState {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Ended => "ended",
            Self::Unknown => "unknown",
        }
    }
}
