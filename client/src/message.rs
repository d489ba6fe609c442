//! Schema of the published messages: JSON, one object per line.
//!
//! `config/events.schema.json` is generated from these types. `t` is stream time in seconds: time since the stream
//! began, lost sound included. `wall` is Unix time in seconds.

pub use crate::settings::{DecisionSettings, StreamSettings};
pub use crate::state::{Counts, EventReason, GapReason, SinkState, StateChange, StreamState};
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The stream name of messages that concern all streams.
pub const ALL_STREAMS: &str = "*";

/// One message. Receivers should ignore fields and types they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs)] // Each is documented by its type.
pub enum Message {
    Hello(Hello),
    Decision(Decision),
    Onset(Onset),
    Offset(Offset),
    /// Somebody begins to speak. Only from models with an output for speech.
    SpeechOnset(Onset),
    /// Nobody speaks any more.
    SpeechOffset(Offset),
    State(State),
    Gap(Gap),
    Level(Level),
    Settings(Settings),
    Sink(Sink),
    Reload(Reload),
    Lock(Lock),
    Lagged(Lagged),
    Reply(Box<Reply>),
    Refused(Refused),
}

/// Version of the schema: 1. A change that breaks receivers raises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version;

pub(crate) const VERSION: u64 = 1;

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

/// The daemon, its model, and the state of its streams: the first message to a subscriber, and repeated when the
/// model or the list of streams has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Hello {
    /// Version of the schema.
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// Version of the program.
    pub version: String,
    /// Name of the model.
    pub model: String,
    /// What inference runs on: `cpu` or `cuda:0`.
    pub device: String,
    /// Precision of the network: `float32`, `bfloat16` or `float16`; empty from versions that did not report it.
    #[serde(default)]
    pub precision: String,
    /// Look-aheads that the model offers, seconds, longest first.
    pub horizons: Vec<f64>,
    /// Look-ahead of the published decisions: sound after `t` that each is based on, seconds.
    pub lookahead: f64,
    /// Time from one decision to the next, seconds.
    pub hop: f64,
    /// Probabilities at which the state may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// The same for speech; absent if the model has no output for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech_thresholds: Option<Thresholds>,
    /// State of every stream.
    pub streams: Vec<StreamStatus>,
    /// State of every output.
    #[serde(default)]
    pub sinks: Vec<SinkStatus>,
    /// Whether changes are refused.
    #[serde(default)]
    pub locked: bool,
}

/// Probabilities at which the state may change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Thresholds {
    /// Voice begins at this probability and above.
    pub enter: f32,
    /// The same while recent output contained singing; absent if the model has no such threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reenter: Option<f32>,
    /// Voice ends below this probability.
    pub leave: f32,
}

/// State of one stream at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct StreamStatus {
    /// Name of the stream.
    pub stream: String,
    /// What its source does.
    pub state: StreamState,
    /// Why, in one sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Onset of the voice that is present; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<Onset>,
    /// What it is decided on with; absent from versions that did not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<StreamSettings>,
    /// Onset of the speech that is present; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech_onset: Option<Onset>,
    /// What counts as its voice; absent if it is singing.
    #[serde(default, skip_serializing_if = "Counts::is_singing")]
    pub counts: Counts,
}

/// State of one output at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct SinkStatus {
    /// Name of the output, as `mqtt`.
    pub sink: String,
    /// What it does.
    pub state: SinkState,
    /// Why, in one sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Probability and state of one window; one every 71.4 ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Decision {
    /// Version of the schema.
    pub v: Version,
    /// Name of the stream.
    pub stream: String,
    /// Number of the window in its stream, from 0, skipped windows included.
    pub seq: u64,
    /// Stream time of the frame that the decision is for, seconds.
    pub t: f64,
    /// Unix time at which that sound was captured, seconds.
    pub wall: f64,
    /// Probability of voice, 0 to 1.
    pub p: f32,
    /// Whether voice is present.
    pub voice: bool,
    /// Sound after `t` that the decision is based on, seconds.
    pub lookahead: f64,
    /// Time from the capture of the window's last sample to publication, seconds.
    pub latency: f64,
    /// Whether the decision comes later than `model.latency_budget_s` allows; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Whether `voice` is a test of the rig; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// Probability that somebody speaks, 0 to 1; absent if the model has no output for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech_p: Option<f32>,
    /// Whether somebody speaks; absent likewise. Both at once are possible: voice and speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<bool>,
}

/// A voice begins, or as `speech_onset` speech.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Onset {
    /// Version of the schema.
    pub v: Version,
    /// Name of the stream.
    pub stream: String,
    /// Number of the voice in its stream, from 1; its offset has the same.
    pub id: u64,
    /// Estimated stream time of the change, seconds; earlier than its publication.
    pub t: f64,
    /// Unix time at which that sound was captured, seconds.
    pub wall: f64,
    /// Probability of voice in the window that confirmed the change.
    pub p: f32,
    /// Why it began: `decision`, or `test`.
    #[serde(default)]
    pub reason: EventReason,
    /// Whether it is a test of the rig and not a voice; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

/// A voice ends, or as `speech_offset` speech.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Offset {
    /// Version of the schema.
    pub v: Version,
    /// Name of the stream.
    pub stream: String,
    /// The `id` of the onset.
    pub id: u64,
    /// Estimated stream time of the change, seconds; earlier than its publication.
    pub t: f64,
    /// Unix time at which that sound was captured, seconds.
    pub wall: f64,
    /// Probability of voice in the newest window.
    pub p: f32,
    /// Time from the onset's `t` to this `t`, seconds.
    pub duration: f64,
    /// Why it ended: `decision`, or what made further decisions impossible.
    #[serde(default)]
    pub reason: EventReason,
    /// Whether it is a test of the rig and not a voice; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

/// The state of a stream changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct State {
    /// Version of the schema.
    pub v: Version,
    /// Name of the stream.
    pub stream: String,
    /// The new state.
    pub state: StreamState,
    /// Why, in one sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What counts as its voice; absent if it is singing.
    #[serde(default, skip_serializing_if = "Counts::is_singing")]
    pub counts: Counts,
}

/// Samples or windows were lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Gap {
    /// Version of the schema.
    pub v: Version,
    /// Name of the stream.
    pub stream: String,
    /// Stream time at which the loss begins, seconds.
    pub t: f64,
    /// Length of the loss, seconds.
    pub lost: f64,
    /// Where it was lost.
    pub reason: GapReason,
}

/// Level of the newest 71.4 ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Level {
    /// Version of the schema.
    pub v: Version,
    /// Name of the stream.
    pub stream: String,
    /// Stream time of the newest sample, seconds.
    pub t: f64,
    /// Unix time at which it was captured, seconds.
    pub wall: f64,
    /// Root mean square in dB of full scale, at least -120.
    pub rms_db: f32,
    /// Largest absolute sample in dB of full scale, at least -120.
    pub peak_db: f32,
    /// The newest frame: 80 natural logarithms of mel magnitudes, lowest band first.
    pub mel: Vec<f32>,
}

/// The settings of a stream have changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Settings {
    /// Version of the schema.
    pub v: Version,
    /// Name of the stream.
    pub stream: String,
    /// The new settings.
    #[serde(flatten)]
    pub settings: StreamSettings,
}

/// The state of an output has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Sink {
    /// Version of the schema.
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// The new state.
    #[serde(flatten)]
    pub status: SinkStatus,
}

/// The configuration was read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Reload {
    /// Version of the schema.
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// Whether it is applied. If not, everything is as it was.
    pub ok: bool,
    /// Why not, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The keys of the configuration that have changed, and the checkpoints whose files have.
    #[serde(default)]
    pub changed: Vec<String>,
    /// Those of them that only a restart applies.
    #[serde(default)]
    pub restart: Vec<String>,
}

/// Changes are refused from now on, or accepted again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Lock {
    /// Version of the schema.
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// Whether changes are refused.
    pub locked: bool,
}

/// The answer to a request of this client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Reply {
    /// Version of the schema.
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// The `id` of the request, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Whether the request was carried out. If not, everything is as it was.
    pub ok: bool,
    /// Why not, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether a value of the request, or of the configuration that was to be read again, is impossible: repeating the
    /// request does not help.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub impossible: bool,
    /// To `reload`: the keys of the configuration that have changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// To `reload`: those of them that only a restart applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<String>,
    /// To `get`, `set`, `mute` and `test`: the streams concerned, as they are now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamStatus>,
    /// To `get`: the outputs as they are now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<SinkStatus>,
    /// Whether changes are refused.
    #[serde(default)]
    pub locked: bool,
}

/// This subscriber was too slow and lost messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Lagged {
    /// Version of the schema.
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// Messages lost since the last one received, of every type, subscribed or not.
    pub lost: u64,
}

/// The daemon refuses this subscriber; the last message of the connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Refused {
    /// Version of the schema.
    pub v: Version,
    /// `*`: all streams.
    pub stream: String,
    /// Why, in one sentence for people.
    pub reason: String,
}

impl Message {
    /// The stream it concerns; [`ALL_STREAMS`] for messages about the subscription itself.
    pub fn stream(&self) -> &str {
        match self {
            Self::Hello(m) => &m.stream,
            Self::Decision(m) => &m.stream,
            Self::Onset(m) => &m.stream,
            Self::Offset(m) => &m.stream,
            Self::SpeechOnset(m) => &m.stream,
            Self::SpeechOffset(m) => &m.stream,
            Self::State(m) => &m.stream,
            Self::Gap(m) => &m.stream,
            Self::Level(m) => &m.stream,
            Self::Settings(m) => &m.stream,
            Self::Sink(m) => &m.stream,
            Self::Reload(m) => &m.stream,
            Self::Lock(m) => &m.stream,
            Self::Lagged(m) => &m.stream,
            Self::Reply(m) => &m.stream,
            Self::Refused(m) => &m.stream,
        }
    }

    /// Whether every number in it is finite; JSON has no others.
    pub fn is_finite(&self) -> bool {
        let onset = |o: &Onset| o.t.is_finite() && o.wall.is_finite() && o.p.is_finite();
        let status = |s: &StreamStatus| {
            [&s.onset, &s.speech_onset].into_iter().flatten().all(onset)
                && s.settings.as_ref().is_none_or(StreamSettings::is_finite)
        };
        match self {
            Self::Hello(m) => {
                m.lookahead.is_finite()
                    && m.hop.is_finite()
                    && [m.thresholds, m.speech_thresholds]
                        .iter()
                        .flatten()
                        .all(|t| {
                            let all = [Some(t.enter), t.reenter, Some(t.leave)];
                            all.into_iter().flatten().all(f32::is_finite)
                        })
                    && m.horizons.iter().all(|h| h.is_finite())
                    && m.streams.iter().all(status)
            }
            Self::Decision(m) => [m.t, m.wall, f64::from(m.p), m.lookahead, m.latency]
                .iter()
                .chain(&m.speech_p.map(f64::from))
                .all(|x| x.is_finite()),
            Self::Onset(m) | Self::SpeechOnset(m) => onset(m),
            Self::Offset(m) | Self::SpeechOffset(m) => [m.t, m.wall, f64::from(m.p), m.duration]
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
            Self::Settings(m) => m.settings.is_finite(),
            Self::Reply(m) => m.streams.iter().all(status),
            Self::State(_)
            | Self::Sink(_)
            | Self::Reload(_)
            | Self::Lock(_)
            | Self::Lagged(_)
            | Self::Refused(_) => true,
        }
    }
}

/// The JSON Schema of [`Message`], as in `config/events.schema.json`.
#[cfg(feature = "schema")]
pub fn schema() -> Schema {
    schemars::schema_for!(Message)
}
