//! A client that reconnects.

use std::time::Duration;

use crate::{Address, Client, ClientError, Message, Messages, Subscription};

/// Wait before the first attempt after a lost connection; it doubles with each attempt that fails.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// Longest wait between attempts.
const LAST_RETRY: Duration = Duration::from_secs(4);

/// News from a [`Reconnecting`] client.
#[derive(Debug)]
pub enum Update {
    /// Connected; the messages follow, `hello` first.
    Connected,
    /// A subscribed message.
    Message(Message),
    /// Not connected, or no longer.
    Disconnected {
        /// Why.
        reason: ClientError,
        /// Time until the next attempt.
        retry_in: Duration,
    },
}

/// An endless iterator that connects, and connects again whenever the connection is lost.
///
/// `next` blocks, also between attempts. Messages that are published in between are lost; the next `hello` has the
/// state of all streams.
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
    subscription: Subscription,
    messages: Option<Messages>,
    /// Wait before the next attempt.
    retry_in: Duration,
    /// Whether the next call waits first.
    failed: bool,
}

impl Reconnecting {
    /// Connects with the first call of `next`.
    ///
    /// ```no_run
    /// # use vocald_client::{Reconnecting, Subscription};
    /// let mut updates = Reconnecting::new("/run/vocald.sock".parse()?, Subscription::everything());
    /// let first = updates.next();
    /// # Ok::<(), vocald_client::AddressError>(())
    /// ```
    pub fn new(address: Address, subscription: Subscription) -> Self {
        Self {
            address,
            subscription,
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
        match client.and_then(|client| client.subscribe(self.subscription.clone())) {
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
                // A daemon that closes every connection after `hello` keeps the growing wait.
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
