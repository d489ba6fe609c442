//! `[[hook]]`: URLs to which messages are posted.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocald_client::{MessageType, Subscription};

use crate::config::ConfigError;

/// A longer limit would be none.
const TIME_LIMIT_MAX_S: f64 = 60.0;
/// Messages that are further behind are of no use to anyone.
const QUEUE_MESSAGES_MAX: usize = 1024;

/// A URL to which messages are posted as JSON (`POST`, `application/json`), one at a time and each once. Any status of
/// 200 to 299 is success; a failure is logged, and the next message is posted all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HookConfig {
    /// Address as `http://HOST/PATH` or `https://HOST/PATH`.
    pub url: String,
    /// Types of messages to post.
    pub types: Vec<MessageType>,
    /// Streams whose messages are posted. Empty: all.
    pub streams: Vec<String>,
    /// File whose first line is sent as `Authorization: Bearer`. Empty: none.
    pub token_file: String,
    /// A request that takes longer is given up. Above 0, at most 60.
    pub time_limit_s: f64,
    /// Messages that may wait for a slow server; beyond this number the oldest is skipped. 1 to 1024.
    pub queue_messages: usize,
}

impl Default for HookConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            types: vec![MessageType::Onset, MessageType::Offset],
            streams: Vec::new(),
            token_file: String::new(),
            time_limit_s: 5.0,
            queue_messages: 64,
        }
    }
}

impl HookConfig {
    /// The messages to post.
    pub fn subscription(&self) -> Subscription {
        let types = Subscription::default().with_types(self.types.clone());
        match self.streams.is_empty() {
            true => types,
            false => types.with_streams(self.streams.clone()),
        }
    }

    /// The token, if there is one.
    ///
    /// # Errors
    ///
    /// If its file cannot be read.
    pub fn token(&self) -> Result<Option<String>, ConfigError> {
        if self.token_file.is_empty() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(Path::new(&self.token_file));
        let text = text.map_err(|e| {
            ConfigError::value("hook.token_file", format!("{}: {e}", self.token_file))
        })?;
        Ok(text.lines().next().map(str::to_owned))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let host = ["http://", "https://"]
            .into_iter()
            .find_map(|scheme| self.url.strip_prefix(scheme));
        if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
            return Err(ConfigError::value(
                "hook.url",
                format!(
                    "`{}` is not http://HOST/PATH or https://HOST/PATH",
                    self.url
                ),
            ));
        }
        if self.types.is_empty() {
            return Err(ConfigError::value(
                "hook.types",
                "there is no type to post, as \"onset\"",
            ));
        }
        if !(self.time_limit_s > 0.0 && self.time_limit_s <= TIME_LIMIT_MAX_S) {
            return Err(ConfigError::value(
                "hook.time_limit_s",
                format!(
                    "{} is not above 0 and up to {TIME_LIMIT_MAX_S}",
                    self.time_limit_s
                ),
            ));
        }
        if !(1..=QUEUE_MESSAGES_MAX).contains(&self.queue_messages) {
            return Err(ConfigError::value(
                "hook.queue_messages",
                format!(
                    "{} is not in 1 to {QUEUE_MESSAGES_MAX}",
                    self.queue_messages
                ),
            ));
        }
        Ok(())
    }
}
