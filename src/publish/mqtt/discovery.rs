//! Home Assistant's discovery: a retained description of each stream, from which it makes a binary sensor.

use serde_json::json;
use vocald_client::stream_names::StreamNames;

use crate::config::MqttConfig;
use crate::publish::mqtt::publication::{Kind, Publication};

/// States of a stream in which its flag means something.
const AVAILABLE: &str =
    "{{ 'online' if value_json.state in ['running', 'silent'] else 'offline' }}";

/// Describes streams.
pub(super) struct Discovery {
    /// Start of the topics that Home Assistant follows.
    prefix: String,
    /// Start of vocald's own topics.
    own_prefix: String,
    /// The same in an identifier.
    node: String,
    ids: StreamNames,
}

impl Discovery {
    /// `None` if it is off.
    pub fn new(config: &MqttConfig) -> Option<Self> {
        if config.discovery_prefix.is_empty() {
            return None;
        }
        Some(Self {
            prefix: config.discovery_prefix.clone(),
            own_prefix: config.prefix.clone(),
            node: identifier(&config.prefix),
            ids: StreamNames::new(identifier),
        })
    }

    /// The description of a stream whose topics lie below `topic`.
    pub fn describe(&mut self, stream: &str, topic: &str) -> Publication {
        let Self {
            prefix,
            own_prefix,
            node,
            ids,
        } = self;
        let id = ids.of(stream);
        let state = format!("{topic}/state");
        let description = json!({
            "name": stream,
            "unique_id": format!("{node}_{id}_voice"),
            "icon": "mdi:microphone-variant",
            "state_topic": format!("{topic}/voice"),
            "availability_mode": "all",
            "availability": [
                { "topic": format!("{own_prefix}/status") },
                { "topic": state, "value_template": AVAILABLE },
            ],
            "json_attributes_topic": state,
            "device": {
                "identifiers": [node],
                "name": own_prefix,
                "manufacturer": "vocald",
                "model": "singing voice detector",
                "sw_version": crate::VERSION,
            },
            "origin": { "name": "vocald", "sw_version": crate::VERSION },
        });
        Publication {
            topic: format!("{prefix}/binary_sensor/{node}/{id}/config"),
            payload: description.to_string(),
            kind: Kind::Retained,
        }
    }
}

/// `name` with `_` for every character that an identifier of Home Assistant cannot hold.
fn identifier(name: &str) -> String {
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '-' => c,
        _ => '_',
    };
    match name {
        "" => "_".into(),
        name => name.chars().map(safe).collect(),
    }
}
