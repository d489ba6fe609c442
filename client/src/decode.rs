//! A text into a message, by rules that let an older client understand a newer daemon.

use serde::Deserialize;

use crate::ClientError;
use crate::Message;

const VERSION: u64 = 1;

/// What every message of every version has.
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
    State,
    Gap,
    Level,
    Lagged,
    Refused,
    #[serde(other)]
    New,
}

/// None where its type is not known here.
pub fn message(text: &str) -> Result<Option<Message>, ClientError> {
    let fault = match serde_json::from_str::<Message>(text) {
        Ok(message) if message.is_finite() => return Ok(Some(message)),
        Ok(_) => return Err(ClientError::Malformed("a number is out of range".into())),
        Err(fault) => fault,
    };
    match serde_json::from_str::<Head>(text) {
        Ok(Head { v, .. }) if v != VERSION => Err(ClientError::Version(v)),
        Ok(Head {
            kind: Kind::New, ..
        }) => Ok(None),
        _ => Err(ClientError::Malformed(fault.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::message::{GapReason, StreamState};
    use crate::schema;

    fn read(json: &serde_json::Value) -> Result<Option<Message>, ClientError> {
        message(&json.to_string())
    }

    #[test]
    fn what_a_newer_daemon_adds_is_passed_over() {
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
    fn another_version_is_told_and_damage_is_no_new_type() {
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

    /// `Kind` knows every type that `Message` has.
    #[test]
    fn a_known_type_that_lacks_its_fields_is_malformed() {
        let schema = serde_json::to_value(schema()).unwrap();
        let types = schema["oneOf"].as_array().unwrap();
        assert_eq!(types.len(), 9);
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
