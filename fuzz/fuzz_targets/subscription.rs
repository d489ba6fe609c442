//! What a client sends: a subscription in JSON, or in the query of a WebSocket's address.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vocald_client::Subscription;

fuzz_target!(|text: &str| {
    if let Ok(subscription) = Subscription::from_json(text) {
        let written = serde_json::to_string(&subscription).unwrap();
        assert_eq!(Subscription::from_json(&written).ok(), Some(subscription));
    }
    let mut parts = text.splitn(3, '&');
    let _ = Subscription::from_query(parts.next(), parts.next(), parts.next());
});
