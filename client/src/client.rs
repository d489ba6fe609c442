//! A connection to a daemon and the messages on it.

use std::time::{Duration, Instant};

use crate::message::{Hello, Reply};
use crate::socket::TimedSocket;
use crate::{
    Action, Address, ClientError, Message, Request, Subscription, decode, lines, websocket,
};

/// What sends no `hello` within this time is not a daemon.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// A `hello` with a thousand streams is shorter; what is longer does not come from a daemon.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Carries messages as texts.
pub trait Transport: Send {
    fn send(&mut self, text: &str) -> Result<(), ClientError>;
    /// The next text; `None` after an orderly close.
    fn next(&mut self) -> Result<Option<String>, ClientError>;
    fn socket(&mut self) -> &mut TimedSocket;
    /// Silence after which the connection counts as broken; `None` if silence proves nothing.
    fn silence_max(&self) -> Option<Duration>;
}

/// A connection to a daemon, after its `hello`.
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
    /// Requests so far.
    requests: u64,
}

impl Client {
    /// Connects and waits for `hello`, 5 s at most.
    ///
    /// # Errors
    ///
    /// If nothing listens at `address`, it is no daemon, or it refuses the connection.
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
        transport.socket().lift_deadline(silence_max)?;
        Ok(Self {
            transport,
            hello,
            requests: 0,
        })
    }

    /// The daemon's model and the state of its streams at the time of connection.
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

    /// Sends the subscription. The first message is the `hello`.
    ///
    /// # Errors
    ///
    /// If the connection is broken. A refused subscription is an error of the first message instead.
    ///
    /// ```no_run
    /// use vocald_client::{Client, MessageType, Subscription};
    ///
    /// # let client = Client::connect(&Default::default())?;
    /// let subscription = Subscription::default()
    ///     .with_types(vec![MessageType::Decision])
    ///     .with_streams(vec!["vocals".into()])
    ///     .with_rate(5.0);
    /// let messages = client.subscribe(subscription)?;
    /// # Ok::<(), vocald_client::ClientError>(())
    /// ```
    pub fn subscribe(mut self, subscription: Subscription) -> Result<Messages, ClientError> {
        // Every value of these types exists in JSON, so there is no error.
        let json = serde_json::to_string(&subscription).unwrap_or_default();
        self.transport.send(&json)?;
        Ok(Messages {
            transport: self.transport,
            hello: Some(self.hello),
            subscription,
            over: false,
        })
    }
}

/// Longest wait for a reply: a reload may load a checkpoint.
const REPLY_WITHIN: Duration = Duration::from_secs(120);

impl Client {
    /// Sends a request and waits for its reply; other messages are dropped meanwhile. A reload may take as long as
    /// loading a checkpoint takes.
    ///
    /// # Errors
    ///
    /// If the connection is broken, the daemon cannot read the request, or no reply comes within two minutes. What the
    /// daemon refuses to do is in the reply.
    ///
    /// ```no_run
    /// use vocald_client::{Action, Client};
    ///
    /// let mut client = Client::connect(&Default::default())?;
    /// let reply = client.request(Action::Mute { stream: Some("hall".into()), muted: true })?;
    /// if let Some(error) = reply.error {
    ///     eprintln!("{error}");
    /// }
    /// # Ok::<(), vocald_client::ClientError>(())
    /// ```
    pub fn request(&mut self, action: Action) -> Result<Reply, ClientError> {
        self.requests += 1;
        let request = Request {
            id: Some(self.requests),
            action,
        };
        self.transport.send(&request.to_json())?;
        let deadline = Instant::now() + REPLY_WITHIN;
        while Instant::now() < deadline {
            let text = self.transport.next()?.ok_or(ClientError::Closed)?;
            match decode::message(&text)? {
                Some(Message::Reply(reply)) if reply.id == request.id => return Ok(*reply),
                Some(Message::Refused(refused)) => {
                    return Err(ClientError::Refused(refused.reason));
                }
                _ => {}
            }
        }
        Err(ClientError::Silent {
            seconds: REPLY_WITHIN.as_secs(),
        })
    }
}

/// The first message, which must be `hello`.
fn first(transport: &mut dyn Transport) -> Result<Hello, ClientError> {
    let text = transport.next()?.ok_or(ClientError::Closed)?;
    match decode::message(&text)? {
        Some(Message::Hello(hello)) => Ok(hello),
        Some(Message::Refused(refused)) => Err(ClientError::Refused(refused.reason)),
        _ => Err(ClientError::Malformed(
            "the first message is not a hello".into(),
        )),
    }
}

/// The subscribed messages, as they arrive. Ends when the daemon closes the connection, and after an error.
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
    subscription: Subscription,
    over: bool,
}

impl Messages {
    fn receive(&mut self) -> Result<Option<Message>, ClientError> {
        while let Some(text) = self.transport.next()? {
            match decode::message(&text)? {
                Some(Message::Refused(refused)) => {
                    return Err(ClientError::Refused(refused.reason));
                }
                // Others may have been sent before the daemon read the subscription.
                Some(message) if self.subscription.includes(&message) => return Ok(Some(message)),
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
