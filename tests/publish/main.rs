//! Messages, their sinks and their clients.

#[allow(dead_code)] // each binary uses a part of it
#[path = "../support/mod.rs"]
mod support;

#[cfg(unix)]
mod client;
#[cfg(unix)]
mod event_command;
mod hub;
mod midi;
#[cfg(unix)]
mod mqtt;
mod osc;
mod schema;
#[cfg(unix)]
mod sockets;
mod subscription;
