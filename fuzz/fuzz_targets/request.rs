//! What a client requests: settings, mute, a test, a reload, the lock.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vocald_client::Request;

fuzz_target!(|text: &str| {
    if let Ok(request) = Request::from_json(text) {
        assert!(Request::is_meant(text));
        assert!(Request::from_json(&request.to_json()).is_ok());
    }
});
