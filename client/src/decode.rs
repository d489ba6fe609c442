//! Decoding of messages, such that an older client understands a newer daemon.

use serde::Deserialize;

use crate::message::VERSION;
use crate::{ClientError, Message};

/// The fields that every message of every version has.
#[derive(Deserialize)]
struct Head {
    v: u64,
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Hello,
    Decision,
    Onset,
    Offset,
    SpeechOnset,
    SpeechOffset,
    State,
    Gap,
    Level,
    Settings,
    Sink,
    Reload,
    Lock,
    Lagged,
    Reply,
    Refused,
    #[serde(other)]
    New,
}

/// `None` for a type that this version does not have.
pub fn message(text: &str) -> Result<Option<Message>, ClientError> {
    let problem = match serde_json::from_str::<Message>(text) {
        Ok(message) if message.is_finite() => return Ok(Some(message)),
        Ok(_) => return Err(ClientError::Malformed("a number is out of range".into())),
        Err(problem) => problem,
    };
    match serde_json::from_str::<Head>(text) {
        Ok(Head { v, .. }) if v != VERSION => Err(ClientError::Version(v)),
        Ok(Head {
            kind: Kind::New, ..
        }) => Ok(None),
        _ => Err(ClientError::Malformed(problem.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::message::{GapReason, StreamState};

    fn read(json: &serde_json::Value) -> Result<Option<Message>, ClientError> {
        message(&json.to_string())
    }

    #[test]
    fn additions_of_a_newer_daemon_are_skipped() {
        let new_field =
            json!({"v": 1, "type": "state", "stream": "hall", "state": "running", "mood": 3});
        assert!(matches!(read(&new_field), Ok(Some(Message::State(_)))));
        let new_type = json!({"v": 1, "type": "applause", "stream": "hall"});
        assert!(matches!(read(&new_type), Ok(None)));
        let new_word = json!({"v": 1, "type": "state", "stream": "hall", "state": "resting"});
        let Ok(Some(Message::State(state))) = read(&new_word) else {
            panic!("not read")
        };
        assert_eq!(state.state, StreamState::Unknown);
        let new_reason =
            json!({"v": 1, "type": "gap", "stream": "hall", "t": 1, "lost": 2, "reason": "moon"});
        let Ok(Some(Message::Gap(gap))) = read(&new_reason) else {
            panic!("not read")
        };
        assert_eq!(gap.reason, GapReason::Unknown);
    }

    #[test]
    fn another_version_and_damage_are_errors() {
        let newer = json!({"v": 2, "type": "state", "stream": "hall"});
        assert!(matches!(read(&newer), Err(ClientError::Version(2))));
        for garbage in ["", "SSH-2.0-OpenSSH_9.2", "[1]", "{}", "\0\u{1b}[31m"] {
            assert!(matches!(message(garbage), Err(ClientError::Malformed(_))));
        }
        let endless =
            json!({"v": 1, "type": "gap", "stream": "a", "t": 1, "lost": 2, "reason": "device"});
        let endless = endless.to_string().replace("\"lost\":2", "\"lost\":1e999");
        assert!(matches!(message(&endless), Err(ClientError::Malformed(_))));
    }

    /// `Kind` has every type that `Message` has.
    #[cfg(feature = "schema")]
    #[test]
    fn a_known_type_that_lacks_its_fields_is_malformed() {
        let schema = serde_json::to_value(crate::schema()).unwrap();
        let types = schema["oneOf"].as_array().unwrap();
        assert_eq!(types.len(), 16);
        for kind in types {
            let kind = &kind["properties"]["type"]["const"];
            assert!(kind.is_string(), "{schema}");
            let bare = json!({"v": 1, "type": kind, "stream": "hall"});
            assert!(
                matches!(read(&bare), Err(ClientError::Malformed(_))),
                "{kind}"
            );
        }
    }
}
