//! Settings of a stream that may change while the daemon runs.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The settings that a stream is decided on with now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct StreamSettings {
    /// Name of the model.
    pub model: String,
    /// Look-ahead, thresholds and durations.
    pub decision: DecisionSettings,
    /// Look-aheads that the model offers, seconds, longest first; empty from versions that did not report them.
    #[serde(default)]
    pub lookaheads_s: Vec<f64>,
    /// Amplification of the sound before anything else, dB.
    #[serde(default)]
    pub gain_db: f32,
    /// Sound below this level, in dB of full scale, is no voice; absent: no gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_db: Option<f32>,
    /// Whether no voice is published, whatever sounds.
    #[serde(default)]
    pub muted: bool,
    /// The settings that a request has changed since the configuration was read, by their names in a request.
    #[serde(default)]
    pub changed: Vec<String>,
}

impl StreamSettings {
    /// Whether every number in it is finite; JSON has no others.
    pub(crate) fn is_finite(&self) -> bool {
        let d = &self.decision;
        let numbers = [d.threshold, d.enter, d.leave, d.min_voice_s, d.min_gap_s];
        let present = [d.reenter, d.recency_s, self.gate_db, Some(self.gain_db)];
        d.lookahead_s.is_finite()
            && self.lookaheads_s.iter().all(|x| x.is_finite())
            && numbers.iter().all(|x| x.is_finite())
            && present.iter().flatten().all(|x| x.is_finite())
    }
}

/// Look-ahead, thresholds and durations of a stream's decisions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct DecisionSettings {
    /// Distance of the decision's frame from the window's last frame, in frames of 14.286 ms.
    pub horizon_frames: u32,
    /// The same in seconds: sound after `t` that a decision is based on.
    pub lookahead_s: f64,
    /// The checkpoint's own threshold, or the one that `enter`, `reenter` and `leave` were moved by.
    pub threshold: f32,
    /// Voice begins at this probability and above.
    pub enter: f32,
    /// The same while recent output contained singing; absent if there is no such threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reenter: Option<f32>,
    /// Time constant of "recent", seconds; absent with `reenter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recency_s: Option<f32>,
    /// Voice ends below this probability.
    pub leave: f32,
    /// Windows among the last `confirm_m` that must agree before the state changes.
    pub confirm_n: u32,
    /// Windows that are considered for a change of state.
    pub confirm_m: u32,
    /// A voice lasts at least this long, seconds.
    pub min_voice_s: f32,
    /// A shorter gap between two voices is bridged, seconds.
    pub min_gap_s: f32,
}

/// A change of one setting: absent leaves it as it is, `null` returns to the configuration's value.
pub type Change<T> = Option<Option<T>>;

/// Changes of a stream's decision settings, as in `[decision]` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct DecisionChange {
    /// The horizon to publish, in frames. It takes the place of `lookahead_s`.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub horizon_frames: Change<u32>,
    /// Publish the longest horizon whose look-ahead is at most this, seconds. It takes the place of `horizon_frames`.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub lookahead_s: Change<f64>,
    /// Moves `enter`, `reenter` and `leave` together, by its distance from the checkpoint's threshold.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub threshold: Change<f32>,
    /// Voice begins at this probability and above.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub enter: Change<f32>,
    /// The same while recent output contained singing.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub reenter: Change<f32>,
    /// Time constant of "recent", seconds.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub recency_s: Change<f32>,
    /// Voice ends below this probability.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub leave: Change<f32>,
    /// Windows among the last `confirm_m` that must agree before the state changes.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub confirm_n: Change<u32>,
    /// Windows that are considered for a change of state; at most 64.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub confirm_m: Change<u32>,
    /// A voice lasts at least this long, seconds.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub min_voice_s: Change<f32>,
    /// A shorter gap between two voices is bridged, seconds.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub min_gap_s: Change<f32>,
}

/// What is there was given, even if it is `null`.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Change<T>, D::Error> {
    Option::deserialize(from).map(Some)
}
