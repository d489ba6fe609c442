//! Messages, their sinks and their clients.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code)] // each binary uses a part of it
#[path = "../support/mod.rs"]
mod support;

#[cfg(unix)]
mod client;
#[cfg(target_os = "linux")]
mod doors;
#[cfg(unix)]
mod event_command;
mod hook;
mod hub;
mod midi;
#[cfg(unix)]
mod mqtt;
mod osc;
mod schema;
mod sink_states;
#[cfg(unix)]
mod sockets;
mod subscription;
mod switches;
#[cfg(unix)]
mod tls;
