//! What other processes receive: [`event`] is the schema, the [`hub`] hands every message to
//! every sink that its [`subscription`] lets through, a sink is a file of its own ([`stdout`]; [`lines`] and [`http`] serve
//! many clients by a [`fanout`] each), and the [`reporter`] turns what the
//! inference worker says about a stream into messages.

pub mod command;
pub mod fanout;
pub mod filter;
pub mod http;
pub mod hub;
pub mod lines;
pub mod midi;
pub mod midi_messages;
pub mod mqtt;
pub mod osc;
pub mod rate_limit;
pub mod rlimit;
pub mod server;
mod snapshot;
pub mod stdout;
pub mod systemd;

pub use hub::{Delivery, Hub, Published, Sink};
