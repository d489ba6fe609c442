//! Publication of messages to other programs.
//!
//! The [`hub`] hands every message to every sink, each on a thread of its own behind a bounded queue. A sink is a
//! file: [`stdout`], [`osc`], [`command`], [`midi`], [`mqtt`], [`systemd`], [`hook`], [`os2l`], [`obs`] (which
//! share [`switches`]); [`lines`] and [`http`] serve many clients each through a [`fanout`]:
//!
//! ```text
//! publish ─▶ queue ─▶ sink thread ─▶ stdout, OSC, MIDI, commands, MQTT, systemd
//!                     sink thread ─▶ fanout ─▶ server thread ─▶ clients (Unix, TCP, WebSocket)
//! ```
//!
//! The messages themselves are those of [`vocald_client::message`].

pub mod command;
pub mod control;
pub mod fanout;
pub mod filter;
pub mod hook;
pub mod http;
pub mod hub;
pub mod lines;
pub mod midi;
pub mod midi_messages;
pub mod mqtt;
pub mod obs;
pub mod os2l;
pub mod osc;
pub mod places;
mod published;
mod queue;
pub mod rate_limit;
mod restarted_thread;
pub mod rlimit;
pub mod server;
mod sink_thread;
mod snapshot;
pub mod stdout;
pub mod switches;
pub mod systemd;

pub use control::{Call, Control};
pub use hub::{Delivery, Hub, Published, Sink};
