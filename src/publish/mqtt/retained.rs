//! The list of retained topics that a client holds, itself retained, so that its next run can clear those of streams
//! that are no more. Each client has its own list: several may share a prefix.

use std::collections::BTreeSet;

use crate::config::MqttConfig;
use crate::publish::mqtt::publication::{Kind, Publication};

/// The list of one client.
pub(super) struct RetainedTopics {
    topic: String,
    /// Starts of topics that may be cleared.
    own: Vec<String>,
    /// Topics of an earlier run that are not in use now.
    gone: BTreeSet<String>,
}

impl RetainedTopics {
    pub fn new(config: &MqttConfig) -> Self {
        let prefixes = [&config.prefix, &config.discovery_prefix];
        let prefixes = prefixes.into_iter().filter(|prefix| !prefix.is_empty());
        Self {
            topic: topic(config),
            own: prefixes.map(|prefix| format!("{prefix}/")).collect(),
            gone: BTreeSet::new(),
        }
    }

    /// Takes the list of an earlier run. A payload that is no list has no effect.
    pub fn take_earlier(&mut self, payload: &[u8]) {
        let earlier: Vec<String> = serde_json::from_slice(payload).unwrap_or_default();
        let own = |topic: &String| self.own.iter().any(|prefix| topic.starts_with(prefix));
        self.gone = earlier.into_iter().filter(own).collect();
    }

    /// What clears the topics that are not in use, and the list of those that are.
    pub fn publications(&mut self, in_use: BTreeSet<String>) -> Vec<Publication> {
        self.gone.retain(|topic| !in_use.contains(topic));
        let cleared = self.gone.iter().map(|topic| Publication {
            topic: topic.clone(),
            payload: String::new(),
            kind: Kind::Retained,
        });
        let list = Publication {
            topic: self.topic.clone(),
            payload: serde_json::json!(in_use).to_string(),
            kind: Kind::Retained,
        };
        cleared.chain([list]).collect()
    }
}

/// The topic of a client's list.
pub(super) fn topic(config: &MqttConfig) -> String {
    let client = super::topic_level(&config.client_id());
    format!("{}/{client}/retained", config.prefix)
}
