//! Client for a running `vocald` daemon: connects, subscribes, and yields the published messages as types
//! ([`message`]).
//!
//! ```no_run
//! use vocald_client::{Address, Client, Message, MessageType, Subscription};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let address: Address = "http://127.0.0.1:8770".parse()?;
//! let subscription = Subscription::default().with_types(vec![MessageType::Onset, MessageType::Offset]);
//! for message in Client::connect(&address)?.subscribe(subscription)? {
//!     match message? {
//!         Message::Onset(onset) => println!("{}: singing from {} s", onset.stream, onset.t),
//!         Message::Offset(offset) => println!("{}: sang for {} s", offset.stream, offset.duration),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The iterators block; a program with other work gives them a thread. [`Reconnecting`] survives a lost connection.
//! Types, fields and words that a newer daemon adds are skipped, so an older client keeps working.

#![deny(missing_docs)]

mod address;
mod client;
mod decode;
mod error;
mod lines;
mod link;
pub mod message;
mod message_type;
mod reconnect;
pub mod request;
pub mod settings;
mod socket;
pub mod socket_path;
mod state;
pub mod stream_names;
mod subscription;
#[cfg(feature = "tls")]
mod tls;
mod websocket;

pub use address::{Address, AddressError, WebSocketUrl};
pub use client::{Client, Messages};
pub use error::ClientError;
pub use message::Message;
#[cfg(feature = "schema")]
pub use message::schema;
pub use message_type::{MessageType, UnknownMessageType};
pub use reconnect::{Reconnecting, Update};
#[cfg(feature = "schema")]
pub use request::request_schema;
pub use request::{Action, Request, RequestError};
pub use subscription::{Subscription, SubscriptionError};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
