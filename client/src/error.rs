//! What can go wrong between a client and the daemon.

use std::io;

/// Each is one sentence for people.
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
    /// Nothing listens there, or the way is barred.
    #[error("no daemon can be reached at {address}: {fault}")]
    Unreachable { address: String, fault: io::Error },
    /// Whatever listens there is slow, or no vocald.
    #[error("what listens at {address} does not say hello as vocald does")]
    NoHello { address: String },
    /// The WebSocket was refused with an HTTP status.
    #[error("{address} answers {status}: {reason}")]
    Http {
        address: String,
        status: u16,
        reason: String,
    },
    /// The address or the token holds what HTTP has no room for.
    #[error("{address} cannot be asked over HTTP: {reason}")]
    Request { address: String, reason: String },
    /// The daemon cannot follow the subscription, or has too many clients.
    #[error("the daemon refuses: {0}")]
    Refused(String),
    /// The daemon is newer than this program and says so.
    #[error("the daemon speaks version {0} of the messages, and this program version 1: update it")]
    Version(u64),
    /// What came is no message of vocald.
    #[error("a message cannot be read: {0}")]
    Malformed(String),
    /// More than a mebibyte without an end.
    #[error("a message is longer than {bytes_max} bytes")]
    TooLong { bytes_max: usize },
    /// The last message is not whole.
    #[error("the connection ended in the middle of a message")]
    CutOff,
    /// Nothing came, not even a ping, for so long that the other end must be gone.
    #[error("nothing came for {seconds} s")]
    Silent { seconds: u64 },
    /// The network failed.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// The daemon ended.
    #[error("the daemon closed the connection")]
    Closed,
}
