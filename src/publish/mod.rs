//! What other processes receive: [`event`] is the schema, the [`hub`] hands every message to
//! every sink that its [`subscription`] lets through, a sink is a file of its own ([`stdout`]; [`lines`] and [`http`] serve
//! many clients by a [`fanout`] each), and the [`reporter`] turns what the
//! inference worker says about a stream into messages.

pub mod command;
pub mod event;
pub mod fanout;
pub mod file_handles;
pub mod http;
pub mod hub;
pub mod lines;
pub mod message_type;
pub mod midi;
pub mod midi_messages;
pub mod mqtt;
pub mod osc;
pub mod osc_address;
pub mod peak;
mod present;
pub mod reporter;
pub mod server;
pub mod stdout;
pub mod subscription;
pub mod systemd;

pub use event::Message;
pub use hub::{Delivery, Hub, Published, Sink};
pub use message_type::MessageType;
pub use reporter::Reporter;
