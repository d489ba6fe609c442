//! The frames of a WebSocket client, after a proper handshake.
#![no_main]

mod door;

use libfuzzer_sys::fuzz_target;

const HANDSHAKE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dm9jYWxkIHZvY2FsZCB2bw==\r\n\r\n";

fuzz_target!(|frames: &[u8]| {
    let response = door::send(&[HANDSHAKE, frames].concat());
    assert!(response.is_empty() || response.starts_with(b"HTTP/1.1 101"));
    door::is_alive();
});
