//! MIDI: the port, and which note and controller a stream has.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MidiConfig {
    /// A port of the system whose name has this in it, or `virtual` for one of our own. Empty: off.
    pub port: String,
    /// 1 to 16.
    pub channel: u8,
    /// Of the first stream, 0 to 127; each further stream has the next.
    pub note: u8,
    /// Of the note on, 1 to 127.
    pub velocity: u8,
    /// Control change for the probability, of the first stream, 0 to 127; further streams have the next.
    pub controller: u8,
    /// Control changes a second at most, each the highest since the one before. 0: none.
    pub controller_rate_hz: f64,
    /// Streams that have another channel, note and controller.
    pub streams: Vec<MidiStreamConfig>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MidiStreamConfig {
    pub stream: String,
    pub channel: u8,
    pub note: u8,
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
        if !(self.controller_rate_hz.is_finite() && self.controller_rate_hz >= 0.0) {
            return Err(ConfigError::value(
                "publish.midi.controller_rate_hz",
                format!("{} is not a number from 0 up", self.controller_rate_hz),
            ));
        }
        Ok(())
    }
}
