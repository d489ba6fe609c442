//! The bytes of a connection to the HTTP server.
#![no_main]

mod door;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    door::send(bytes);
    door::is_alive();
});
