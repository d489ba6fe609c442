//! JSON lines for the clients of a socket. A client may send a [`Subscription`] as one line of JSON at any time.

pub mod tcp;
pub mod unix;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use vocald_client::message::{ALL_STREAMS, Refused, Version};
use vocald_client::{Message, Subscription};

use crate::publish::fanout::{Subscriber, Subscriptions};
use crate::publish::hub::Published;
use crate::publish::places::Places;
use crate::publish::server::CLIENT_PATIENCE;

/// Longer lines are refused.
const LINE_BYTES_MAX: usize = 4096;
/// Messages are gathered up to this size for one write.
const WRITE_BYTES: usize = 32 * 1024;
/// A client that takes nothing for this long is closed: its place is needed by others.
pub(super) const STALLED_MAX: Duration = Duration::from_secs(600);
/// Wait after a failed accept: without file handles, until a client leaves.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// A source of connections.
trait Listener {
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;
    /// A connection, and the address of its other end where it has one.
    async fn accept(&self) -> io::Result<(Self::Stream, Option<IpAddr>)>;
}

/// Serves clients, as many as there are places, until the last message.
async fn serve(listener: impl Listener, subscriptions: Subscriptions, places: Arc<Places>) {
    let tasks = tokio::task::LocalSet::new();
    let accepting = tasks.run_until(async {
        let mut failing = false;
        loop {
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!("a client cannot connect: {error}");
                    }
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            };
            failing = false;
            let place = places.take(address);
            let subscriber = subscriptions.subscribe(Subscription::default());
            tokio::task::spawn_local(async move {
                // A lost client is no error.
                let _ = match (place, subscriber) {
                    (Ok(_place), Some(subscriber)) => talk(stream, subscriber).await,
                    (Ok(_), None) => Ok(()),
                    (Err(full), _) => refuse(stream, full.to_string()).await,
                };
            });
        }
    });
    tokio::select! {
        () = accepting => {}
        () = subscriptions.closed() => {}
    }
    // Tasks end by themselves, except those whose client does not read.
    let _ = tokio::time::timeout(CLIENT_PATIENCE, tasks).await;
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    mut subscriber: Subscriber,
) -> io::Result<()> {
    let (mut from, mut to) = tokio::io::split(stream);
    let mut input = [0; 512];
    let mut line = Vec::new();
    let mut lines = Vec::with_capacity(WRITE_BYTES);
    // A client may close its sending half and still receive.
    let mut open = true;
    loop {
        tokio::select! {
            message = subscriber.next() => {
                let Some(message) = message else { return to.shutdown().await };
                lines.clear();
                put(&mut lines, &message);
                while lines.len() < WRITE_BYTES && let Some(message) = subscriber.try_next() {
                    put(&mut lines, &message);
                }
                tokio::time::timeout(STALLED_MAX, to.write_all(&lines)).await??;
            }
            read = from.read(&mut input), if open => {
                let count = read?;
                open = count > 0;
                for &byte in &input[..count] {
                    if byte != b'\n' {
                        line.push(byte);
                        if line.len() <= LINE_BYTES_MAX {
                            continue;
                        }
                    }
                    match subscription(&line) {
                        Ok(None) => {}
                        Ok(Some(subscription)) => subscriber.resubscribe(subscription),
                        Err(reason) => return refuse(to, reason).await,
                    }
                    line.clear();
                }
            }
        }
    }
}

/// The subscription of a client's line; `None` for an empty line.
fn subscription(line: &[u8]) -> Result<Option<Subscription>, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("a line is longer than {LINE_BYTES_MAX} bytes"));
    }
    let text = str::from_utf8(line).map_err(|_| "a line is not UTF-8".to_owned())?;
    match text.trim() {
        "" => Ok(None),
        text => Subscription::from_json(text)
            .map(Some)
            .map_err(|e| e.to_string()),
    }
}

fn put(lines: &mut Vec<u8>, message: &Published) {
    lines.extend_from_slice(message.json().as_bytes());
    lines.push(b'\n');
}

async fn refuse(mut to: impl AsyncWrite + Unpin, reason: String) -> io::Result<()> {
    let mut line = Vec::new();
    put(&mut line, &Published::new(refused(reason)));
    to.write_all(&line).await?;
    to.shutdown().await
}

/// The last message before a connection is closed.
pub(super) fn refused(reason: String) -> Message {
    Message::Refused(Refused {
        v: Version,
        stream: ALL_STREAMS.into(),
        reason,
    })
}
