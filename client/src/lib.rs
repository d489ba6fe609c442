//! For programs that listen to a running daemon: connects, chooses, and yields the messages as the
//! types that the daemon publishes ([`crate::message`]).
//!
//! ```no_run
//! use vocald_client::{Address, Client, Message, MessageType, Subscription};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let address: Address = "http://127.0.0.1:8770".parse()?;
//! let wanted = Subscription::default().with_types(vec![MessageType::Onset, MessageType::Offset]);
//! for message in Client::connect(&address)?.subscribe(wanted)? {
//!     match message? {
//!         Message::Onset(onset) => println!("{} sings at {} s", onset.stream, onset.t),
//!         Message::Offset(offset) => println!("and sang for {} s", offset.duration),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The iterators block; a program with other things to do gives them a thread. Types, fields and words that
//! a newer daemon may have are passed over, so an older client goes on working.

mod address;
mod decode;
mod error;
mod lines;
pub mod message;
mod message_type;
mod reconnect;
mod socket;
pub mod socket_path;
pub mod stream_names;
mod subscription;
mod websocket;

use std::time::{Duration, Instant};

pub use address::{Address, AddressError};
pub use error::ClientError;
pub use message::Message;
#[cfg(feature = "schema")]
pub use message::schema;
pub use message_type::{MessageType, UnknownMessageType};
pub use reconnect::{Reconnecting, Update};
pub use subscription::Subscription;

use crate::message::Hello;
use socket::TimedSocket;

/// A daemon that has not said `hello` within this time is none.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// A message longer than this is none of the daemon's: a thousand streams fit in its `hello`.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// A way to carry texts, one a message.
trait Transport: Send {
    fn send(&mut self, text: &str) -> Result<(), ClientError>;
    /// None where the other end has closed in order.
    fn next(&mut self) -> Result<Option<String>, ClientError>;
    fn socket(&mut self) -> &mut TimedSocket;
    /// How long nothing at all may come; None where that says nothing.
    fn silence_max(&self) -> Option<Duration>;
}

/// A connection to a daemon that has said `hello`.
///
/// ```no_run
/// use vocald_client::{Address, Client};
///
/// let client = Client::connect(&Address::default())?;
/// println!("{} on {}", client.hello().model, client.hello().device);
/// # Ok::<(), vocald_client::ClientError>(())
/// ```
pub struct Client {
    transport: Box<dyn Transport>,
    hello: Hello,
}

impl Client {
    /// Connects and waits for `hello`, five seconds at most.
    ///
    /// ```no_run
    /// use vocald_client::{Address, Client};
    ///
    /// let client = Client::connect(&Address::tcp("127.0.0.1", 8771))?;
    /// # Ok::<(), vocald_client::ClientError>(())
    /// ```
    pub fn connect(address: &Address) -> Result<Self, ClientError> {
        let deadline = Instant::now() + HELLO_WITHIN;
        let mut transport: Box<dyn Transport> = match address {
            Address::Unix(path) => {
                Box::new(lines::open(TimedSocket::unix(path, address, deadline)?))
            }
            Address::Tcp { host, port } => Box::new(lines::open(TimedSocket::tcp(
                host, *port, address, deadline,
            )?)),
            Address::WebSocket(url) => Box::new(websocket::open(url, address, deadline)?),
        };
        let hello = first(transport.as_mut()).map_err(|error| match error {
            ClientError::Silent { .. } => ClientError::NoHello {
                address: address.to_string(),
            },
            other => other,
        })?;
        let silence_max = transport.silence_max();
        transport.socket().forget_deadline(silence_max)?;
        Ok(Self { transport, hello })
    }

    /// Who speaks, and how the streams stood when it was said.
    ///
    /// ```no_run
    /// # let client = vocald_client::Client::connect(&Default::default())?;
    /// for status in &client.hello().streams {
    ///     println!("{}: {}", status.stream, status.state.word());
    /// }
    /// # Ok::<(), vocald_client::ClientError>(())
    /// ```
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Tells the daemon what is wanted. The messages begin with its `hello`.
    ///
    /// ```no_run
    /// use vocald_client::{Client, MessageType, Subscription};
    ///
    /// # let client = Client::connect(&Default::default())?;
    /// let wanted = Subscription::default()
    ///     .with_types(vec![MessageType::Decision])
    ///     .with_streams(vec!["vocals".into()])
    ///     .with_rate(5.0);
    /// let messages = client.subscribe(wanted)?;
    /// # Ok::<(), vocald_client::ClientError>(())
    /// ```
    pub fn subscribe(mut self, wanted: Subscription) -> Result<Messages, ClientError> {
        // The types hold nothing that JSON has no word for, so the error cannot come up.
        let choice = serde_json::to_string(&wanted).unwrap_or_default();
        self.transport.send(&choice)?;
        Ok(Messages {
            transport: self.transport,
            hello: Some(self.hello),
            wanted,
            over: false,
        })
    }
}

/// The first message, which must be `hello`.
fn first(transport: &mut dyn Transport) -> Result<Hello, ClientError> {
    let text = transport.next()?.ok_or(ClientError::Closed)?;
    match decode::message(&text)? {
        Some(Message::Hello(hello)) => Ok(hello),
        Some(Message::Refused(refused)) => Err(ClientError::Refused(refused.reason)),
        _ => Err(ClientError::Malformed("the first is not a hello".into())),
    }
}

/// What was chosen, as it comes. Ends where the daemon closes the connection in order, and after
/// an error.
///
/// ```no_run
/// use vocald_client::{Client, Message, Subscription};
///
/// let client = Client::connect(&Default::default())?;
/// for message in client.subscribe(Subscription::default())? {
///     if let Message::Lagged(lagged) = message? {
///         eprintln!("{} messages were lost here", lagged.lost);
///     }
/// }
/// # Ok::<(), vocald_client::ClientError>(())
/// ```
pub struct Messages {
    transport: Box<dyn Transport>,
    hello: Option<Hello>,
    wanted: Subscription,
    over: bool,
}

impl Messages {
    fn receive(&mut self) -> Result<Option<Message>, ClientError> {
        while let Some(text) = self.transport.next()? {
            match decode::message(&text)? {
                Some(Message::Refused(refused)) => {
                    return Err(ClientError::Refused(refused.reason));
                }
                // Others may have been on their way when the choice was made.
                Some(message) if self.wanted.wants(&message) => return Ok(Some(message)),
                _ => {}
            }
        }
        Ok(None)
    }
}

impl Iterator for Messages {
    type Item = Result<Message, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(hello) = self.hello.take() {
            return Some(Ok(Message::Hello(hello)));
        }
        if self.over {
            return None;
        }
        let received = self.receive();
        self.over = !matches!(received, Ok(Some(_)));
        received.transpose()
    }
}
