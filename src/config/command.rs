//! Commands that are run when the voice comes in and goes out.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// Beyond an hour a limit is none.
const TIME_LIMIT_MAX_S: f64 = 3600.0;
/// More events than this are no queue but a past.
const QUEUE_EVENTS_MAX: usize = 1024;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommandConfig {
    /// Program and arguments at an onset. None: off.
    pub onset: Vec<String>,
    /// Program and arguments at an offset. None: off.
    pub offset: Vec<String>,
    /// A command that takes longer is killed with all that it started, in seconds.
    pub time_limit_s: f64,
    /// Events that wait for the command before them; then the oldest is skipped.
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
