//! `[publish.command]`: programs that run at onsets and offsets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// A longer limit would be none.
const TIME_LIMIT_MAX_S: f64 = 3600.0;
/// Events that are further behind are of no use to a command.
const QUEUE_EVENTS_MAX: usize = 1024;

/// Programs that run at each onset and offset, one at a time. Each gets the event as JSON on standard input and in
/// `VOCALD_TYPE`, `VOCALD_STREAM`, `VOCALD_ID`, `VOCALD_T`, `VOCALD_P` and `VOCALD_DURATION`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommandConfig {
    /// Program and arguments to run at an onset, as `["program", "argument"]`. Empty: none.
    pub onset: Vec<String>,
    /// Program and arguments to run at an offset. Empty: none.
    pub offset: Vec<String>,
    /// A command that takes longer is killed, with all processes it started; so is what it leaves running. Above 0, at
    /// most 3600.
    pub time_limit_s: f64,
    /// Events that may wait for a running command; beyond this number the oldest is skipped. 1 to 1024.
    pub queue_events: usize,
}

impl Default for CommandConfig {
    fn default() -> Self {
        Self {
            onset: Vec::new(),
            offset: Vec::new(),
            time_limit_s: 10.0,
            queue_events: 16,
        }
    }
}

impl CommandConfig {
    /// Whether there is any command to run.
    pub fn is_on(&self) -> bool {
        !(self.onset.is_empty() && self.offset.is_empty())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, command) in [("onset", &self.onset), ("offset", &self.offset)] {
            if command.first().is_some_and(String::is_empty) {
                return Err(ConfigError::value(
                    format!("publish.command.{key}"),
                    "the program has no name: write [\"program\", \"argument\"]",
                ));
            }
        }
        if !(self.time_limit_s > 0.0 && self.time_limit_s <= TIME_LIMIT_MAX_S) {
            return Err(ConfigError::value(
                "publish.command.time_limit_s",
                format!(
                    "{} is not above 0 and up to {TIME_LIMIT_MAX_S}",
                    self.time_limit_s
                ),
            ));
        }
        if !(1..=QUEUE_EVENTS_MAX).contains(&self.queue_events) {
            return Err(ConfigError::value(
                "publish.command.queue_events",
                format!("{} is not in 1 to {QUEUE_EVENTS_MAX}", self.queue_events),
            ));
        }
        Ok(())
    }
}
