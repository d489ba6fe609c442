//! A message on its way to the sinks.

use std::sync::{Arc, OnceLock};

use vocald_client::Message;
use vocald_client::message::{ALL_STREAMS, Lagged, Version};

/// A message, serialised to JSON once for all sinks that need it.
#[derive(Debug)]
pub struct Published {
    /// The message.
    pub message: Message,
    json: OnceLock<String>,
}

impl Published {
    /// Not yet serialised.
    pub fn new(message: Message) -> Self {
        Self {
            message,
            json: OnceLock::new(),
        }
    }

    /// The message as one line, without a line break.
    pub fn json(&self) -> &str {
        // Every value of these types exists in JSON, so there is no error.
        self.json
            .get_or_init(|| serde_json::to_string(&self.message).unwrap_or_default())
    }

    /// The message that `lost` messages are missing here.
    pub(super) fn lagged(lost: u64) -> Arc<Self> {
        Arc::new(Self::new(Message::Lagged(Lagged {
            v: Version,
            stream: ALL_STREAMS.into(),
            lost,
        })))
    }
}
