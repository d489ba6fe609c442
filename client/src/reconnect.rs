//! A client that comes back.

use std::time::Duration;

use crate::{Address, Client, ClientError, Message, Messages, Subscription};

/// The first attempt after a connection was lost comes soon, each further one twice as late.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(4);

/// What a [`Reconnecting`] client learns.
#[derive(Debug)]
pub enum Update {
    /// A connection is there; its messages follow, `hello` first.
    Connected,
    /// What was chosen.
    Message(Message),
    /// There is no connection (any more). The next one is tried in `retry_in`.
    Disconnected {
        reason: ClientError,
        retry_in: Duration,
    },
}

/// Connects, and connects anew whenever the connection is lost; never ends. `next` waits, also
/// between attempts. What is published while there is no connection is not seen; the `hello` of the next tells
/// how things stand.
///
/// ```no_run
/// use vocald_client::{Address, Reconnecting, Subscription, Update};
///
/// for update in Reconnecting::new(Address::default(), Subscription::default()) {
///     match update {
///         Update::Connected => println!("live"),
///         Update::Message(message) => println!("{message:?}"),
///         Update::Disconnected { reason, .. } => println!("not live: {reason}"),
///     }
/// }
/// ```
pub struct Reconnecting {
    address: Address,
    wanted: Subscription,
    messages: Option<Messages>,
    /// How long to wait before the next attempt; doubles with each that fails.
    retry_in: Duration,
    /// The next call begins with a wait.
    failed: bool,
}

impl Reconnecting {
    /// Connects when the first update is asked for.
    ///
    /// ```no_run
    /// # use vocald_client::{Reconnecting, Subscription};
    /// let mut updates = Reconnecting::new("/run/vocald.sock".parse()?, Subscription::everything());
    /// let first = updates.next();
    /// # Ok::<(), vocald_client::AddressError>(())
    /// ```
    pub fn new(address: Address, wanted: Subscription) -> Self {
        Self {
            address,
            wanted,
            messages: None,
            retry_in: FIRST_RETRY,
            failed: false,
        }
    }

    fn connect(&mut self) -> Update {
        if std::mem::take(&mut self.failed) {
            std::thread::sleep(self.retry_in);
            self.retry_in = (self.retry_in * 2).min(LAST_RETRY);
        }
        let client = Client::connect(&self.address);
        match client.and_then(|client| client.subscribe(self.wanted.clone())) {
            Ok(messages) => {
                self.messages = Some(messages);
                Update::Connected
            }
            Err(reason) => self.disconnected(reason),
        }
    }

    fn disconnected(&mut self, reason: ClientError) -> Update {
        self.messages = None;
        self.failed = true;
        Update::Disconnected {
            reason,
            retry_in: self.retry_in,
        }
    }
}

impl Iterator for Reconnecting {
    type Item = Update;

    fn next(&mut self) -> Option<Update> {
        let Some(messages) = &mut self.messages else {
            return Some(self.connect());
        };
        Some(match messages.next() {
            Some(Ok(message)) => {
                // A daemon that ends each connection after `hello` is not to be asked ever faster.
                if !matches!(message, Message::Hello(_)) {
                    self.retry_in = FIRST_RETRY;
                }
                Update::Message(message)
            }
            Some(Err(reason)) => self.disconnected(reason),
            None => self.disconnected(ClientError::Closed),
        })
    }
}
