//! Errors of a client.

use std::io;

/// What can go wrong between a client and a daemon. Each is one sentence for people.
///
/// ```no_run
/// use vocald_client::{Address, Client, ClientError};
///
/// match Client::connect(&Address::default()) {
///     Err(ClientError::Unreachable { .. }) => println!("there is no daemon"),
///     Err(error) => println!("{error}"),
///     Ok(client) => println!("{}", client.hello().version),
/// }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing listens at the address, or it cannot be reached.
    #[error("no daemon can be reached at {address}: {error}")]
    Unreachable {
        /// As [`Address`](crate::Address) is written.
        address: String,
        /// As the system reports it.
        error: io::Error,
    },
    /// What listens at the address sends no `hello` in time: it is slow, or not vocald.
    #[error("what listens at {address} does not send the hello of vocald")]
    NoHello {
        /// As [`Address`](crate::Address) is written.
        address: String,
    },
    /// The WebSocket was refused with an HTTP status.
    #[error("{address} refuses with HTTP status {status}: {reason}")]
    Http {
        /// As [`Address`](crate::Address) is written.
        address: String,
        /// The HTTP status.
        status: u16,
        /// First line of the body, or the usual words for the status.
        reason: String,
    },
    /// The address or the token cannot be part of an HTTP request.
    #[error("{address} cannot be requested over HTTP: {reason}")]
    Request {
        /// As [`Address`](crate::Address) is written.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS fails: the certificate is not trusted, is for another name, or what listens does not use TLS.
    #[error("{address}: no encrypted connection: {reason}")]
    Tls {
        /// As [`Address`](crate::Address) is written.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The daemon has too many clients or cannot read the subscription.
    #[error("the daemon refuses: {0}")]
    Refused(String),
    /// The daemon publishes another version of the schema.
    #[error(
        "the daemon publishes version {0} of the messages and this program reads version 1: update it"
    )]
    Version(u64),
    /// A text that is not a message.
    #[error("a message cannot be read: {0}")]
    Malformed(String),
    /// A message without an end.
    #[error("a message is longer than {bytes_max} bytes")]
    TooLong {
        /// The longest message that is read.
        bytes_max: usize,
    },
    /// The last message is incomplete.
    #[error("the connection ended in the middle of a message")]
    CutOff,
    /// Neither a message nor a ping came.
    #[error("nothing came for {seconds} s")]
    Silent {
        /// Length of the silence.
        seconds: u64,
    },
    /// The network failed.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// The daemon ended.
    #[error("the daemon closed the connection")]
    Closed,
}
