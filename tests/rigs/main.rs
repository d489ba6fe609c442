//! The program among real things: a sound card made of a FIFO, a browser, a broker, many clients.
//! Ignored tests take minutes: `make fanout` and `make latency` run them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code)] // each binary uses a part of it
#[path = "../support/mod.rs"]
mod support;

mod capture;
#[cfg(target_os = "linux")]
mod capture_process;
#[cfg(target_os = "linux")]
mod docs_clients;
#[cfg(target_os = "linux")]
mod latency;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod page;
#[cfg(target_os = "linux")]
mod page_controls;
mod python;
#[cfg(target_os = "linux")]
mod run_capture;
mod vanished_card;
