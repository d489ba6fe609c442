//! The schema of everything that is published: JSON, one object a line.
//!
//! `config/events.schema.json` is generated from these types.
//! Times called `t` are stream time: seconds of sound since the stream began, lost sound included.
//! Times called `wall` are Unix time in seconds.

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The stream name of messages that speak of all streams.
pub const ALL_STREAMS: &str = "*";

/// One message. Receivers should ignore fields and types they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    Hello(Hello),
    Decision(Decision),
    Onset(Onset),
    Offset(Offset),
    State(State),
    Gap(Gap),
    Level(Level),
    Lagged(Lagged),
    Refused(Refused),
}

/// Version of the schema: always 1. A change that breaks receivers raises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version;

const VERSION: u64 = 1;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            VERSION => Ok(Self),
            other => Err(serde::de::Error::custom(format!(
                "schema version {other} is not known"
            ))),
        }
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
        json_schema!({ "const": VERSION, "description": "Version of the schema." })
    }
}

/// The first thing a subscriber gets: who speaks, and how things stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Hello {
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// Version of the program.
    pub version: String,
    /// Name of the model.
    pub model: String,
    /// What inference runs on: `cpu` or `cuda:0`.
    pub device: String,
    /// The look-aheads that the model offers, seconds, longest first.
    pub horizons: Vec<f64>,
    /// The look-ahead of the decisions that are published: how much sound after `t` each has heard, seconds.
    pub lookahead: f64,
    /// From one decision to the next, seconds.
    pub hop: f64,
    /// Where voice begins and ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    pub streams: Vec<StreamStatus>,
}

/// The probabilities at which the state may change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Thresholds {
    /// Voice begins at this probability and above.
    pub enter: f32,
    /// The same where a voice has been heard lately, if that makes a difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reenter: Option<f32>,
    /// Voice ends below this probability.
    pub leave: f32,
}

/// How one stream stands at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct StreamStatus {
    pub stream: String,
    pub state: StreamState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The onset of the voice that is present; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<Onset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// No sound has come yet.
    Starting,
    /// Sound comes in and is decided on.
    Running,
    /// Nothing but digital zeros for two seconds: a muted or unplugged input.
    Silent,
    /// The source is there but delivers nothing.
    Stalled,
    /// The source is gone and is being looked for.
    Reconnecting,
    /// The source came to its end, or was told to stop.
    Ended,
    /// The source or the inference failed for good.
    Failed,
    /// Read from a newer daemon that has more states; never published.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl StreamState {
    /// As in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
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
/// The same value travels from the source that changes to the [`State`] message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    pub state: StreamState,
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

/// One window's answer, every 71.4 ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Decision {
    pub v: Version,
    pub stream: String,
    /// Counts the windows of the stream from 0, skipped ones included.
    pub seq: u64,
    /// Stream time of the frame that the decision speaks of, seconds.
    pub t: f64,
    /// Unix time at which that sound was captured, seconds.
    pub wall: f64,
    /// Probability of voice, 0 to 1.
    pub p: f32,
    /// The state: voice is present.
    pub voice: bool,
    /// How much sound after `t` the decision has heard, seconds.
    pub lookahead: f64,
    /// From the capture of the last sample heard to publication, seconds.
    pub latency: f64,
}

/// The voice comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Onset {
    pub v: Version,
    pub stream: String,
    /// Counts the stream's voices from 1; the offset of the same voice has the same.
    pub id: u64,
    /// Estimated stream time of the change, seconds; earlier than its publication.
    pub t: f64,
    /// Unix time at which that sound was captured, seconds.
    pub wall: f64,
    /// Probability of voice in the window that made the change known.
    pub p: f32,
}

/// The voice goes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Offset {
    pub v: Version,
    pub stream: String,
    /// The `id` of the onset.
    pub id: u64,
    /// Estimated stream time of the change, seconds; earlier than its publication.
    pub t: f64,
    /// Unix time at which that sound was captured, seconds.
    pub wall: f64,
    /// Probability of voice in the newest window.
    pub p: f32,
    /// From the onset's `t` to this one's, seconds.
    pub duration: f64,
}

/// The stream's state changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct State {
    pub v: Version,
    pub stream: String,
    pub state: StreamState,
    /// One sentence, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Samples or windows were lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Gap {
    pub v: Version,
    pub stream: String,
    /// Stream time at which the loss begins, seconds.
    pub t: f64,
    /// How much was lost, seconds.
    pub lost: f64,
    pub reason: GapReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The machine was too busy to take the samples off the capture buffer.
    RingFull,
    /// Inference was behind and skipped its oldest windows.
    InferenceBehind,
    /// The device delivered nothing, by the clock.
    Device,
    /// Read from a newer daemon that has more reasons; never published.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl GapReason {
    /// As in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::InferenceBehind => "inference_behind",
            Self::Device => "device",
            Self::Unknown => "unknown",
        }
    }
}

/// How loud the newest 71.4 ms are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Level {
    pub v: Version,
    pub stream: String,
    /// Stream time of the newest sample, seconds.
    pub t: f64,
    /// Unix time at which it was captured, seconds.
    pub wall: f64,
    /// Root mean square in dB of full scale, -120 at the least.
    pub rms_db: f32,
    /// Largest absolute sample in dB of full scale, -120 at the least.
    pub peak_db: f32,
    /// The newest frame: 80 values, ln of the mel magnitude, lowest band first.
    pub mel: Vec<f32>,
}

/// This subscriber was too slow and lost its oldest messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Lagged {
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// Messages that went by since the last it got, of every type, chosen or not.
    pub lost: u64,
}

/// What this subscriber sent cannot be followed; its connection ends with this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Refused {
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// One sentence, for people.
    pub reason: String,
}

impl Message {
    /// The stream it speaks of; [`ALL_STREAMS`] for those about the subscription itself.
    pub fn stream(&self) -> &str {
        match self {
            Self::Hello(m) => &m.stream,
            Self::Decision(m) => &m.stream,
            Self::Onset(m) => &m.stream,
            Self::Offset(m) => &m.stream,
            Self::State(m) => &m.stream,
            Self::Gap(m) => &m.stream,
            Self::Level(m) => &m.stream,
            Self::Lagged(m) => &m.stream,
            Self::Refused(m) => &m.stream,
        }
    }

    /// Whether every number in it is finite: JSON has no word for the others.
    pub fn is_finite(&self) -> bool {
        let onset = |o: &Onset| o.t.is_finite() && o.wall.is_finite() && o.p.is_finite();
        match self {
            Self::Hello(m) => {
                m.lookahead.is_finite()
                    && m.hop.is_finite()
                    && m.thresholds.is_none_or(|t| {
                        let all = [Some(t.enter), t.reenter, Some(t.leave)];
                        all.into_iter().flatten().all(f32::is_finite)
                    })
                    && m.horizons.iter().all(|h| h.is_finite())
                    && m.streams.iter().filter_map(|s| s.onset.as_ref()).all(onset)
            }
            Self::Decision(m) => [m.t, m.wall, f64::from(m.p), m.lookahead, m.latency]
                .iter()
                .all(|x| x.is_finite()),
            Self::Onset(m) => onset(m),
            Self::Offset(m) => [m.t, m.wall, f64::from(m.p), m.duration]
                .iter()
                .all(|x| x.is_finite()),
            Self::Gap(m) => m.t.is_finite() && m.lost.is_finite(),
            Self::Level(m) => {
                m.t.is_finite()
                    && m.wall.is_finite()
                    && m.mel
                        .iter()
                        .chain([&m.rms_db, &m.peak_db])
                        .all(|x| x.is_finite())
            }
            Self::State(_) | Self::Lagged(_) | Self::Refused(_) => true,
        }
    }
}

/// The JSON Schema of [`Message`], as in `config/events.schema.json`.
#[cfg(feature = "schema")]
pub fn schema() -> Schema {
    schemars::schema_for!(Message)
}
