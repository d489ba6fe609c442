//! `[publish.midi]`: the port, and the note and controller of each stream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, number_from_0};

/// MIDI: a note that is on while voice is present, and a controller for the probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MidiConfig {
    /// Part of the name of a MIDI output port, or `virtual` for a new port that others connect to. Empty: MIDI is off.
    pub port: String,
    /// MIDI channel, 1 to 16.
    pub channel: u8,
    /// Note of the first stream, 0 to 127; each further stream has the next.
    pub note: u8,
    /// Velocity of the note on, 1 to 127.
    pub velocity: u8,
    /// Control change for the probability of the first stream, 0 to 127; each further stream has the next.
    pub controller: u8,
    /// Control changes per second at most, each the highest probability since the one before. 0: none.
    pub controller_rate_hz: f64,
    /// Streams with a channel, note and controller of their own, as
    /// `{ stream = "vocals/1", channel = 2, note = 36, controller = 7 }`.
    pub streams: Vec<MidiStreamConfig>,
}

/// Channel, note and controller of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MidiStreamConfig {
    /// Name of the stream.
    pub stream: String,
    /// MIDI channel, 1 to 16.
    pub channel: u8,
    /// Note, 0 to 127.
    pub note: u8,
    /// Number of the control change, 0 to 127.
    pub controller: u8,
}

impl Default for MidiConfig {
    fn default() -> Self {
        Self {
            port: String::new(),
            channel: 1,
            note: 60,
            velocity: 100,
            controller: 20,
            controller_rate_hz: 10.0,
            streams: Vec::new(),
        }
    }
}

impl MidiConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let mut numbers = vec![
            ("channel", self.channel, 1..=16),
            ("note", self.note, 0..=127),
            ("velocity", self.velocity, 1..=127),
            ("controller", self.controller, 0..=127),
        ];
        for own in &self.streams {
            numbers.extend([
                ("streams.channel", own.channel, 1..=16),
                ("streams.note", own.note, 0..=127),
                ("streams.controller", own.controller, 0..=127),
            ]);
        }
        for (key, value, range) in numbers {
            if !range.contains(&value) {
                return Err(ConfigError::value(
                    format!("publish.midi.{key}"),
                    format!("{value} is not in {} to {}", range.start(), range.end()),
                ));
            }
        }
        number_from_0("publish.midi.controller_rate_hz", self.controller_rate_hz)
    }
}
