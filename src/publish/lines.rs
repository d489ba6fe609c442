//! JSON lines for the clients of a socket. A client may send a [`Subscription`] as one line of JSON at any time, and
//! where the socket takes them, a [`Request`].

pub mod tcp;
pub mod unix;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use vocald_client::message::{ALL_STREAMS, Refused, Reply, Version};
use vocald_client::{Message, Request, Subscription};

use crate::publish::control::{Control, Pending, impossible, message, refusal};
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
async fn serve(
    listener: impl Listener,
    subscriptions: Subscriptions,
    places: Arc<Places>,
    door: Door,
) {
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
            let door = door.clone();
            tokio::task::spawn_local(async move {
                // A lost client is no error.
                let _ = match (place, subscriber) {
                    (Ok(_place), Some(subscriber)) => talk(stream, subscriber, &door).await,
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
    door: &Door,
) -> io::Result<()> {
    let (mut from, mut to) = tokio::io::split(stream);
    let mut input = [0; 512];
    let mut line = Vec::new();
    let mut lines = Vec::with_capacity(WRITE_BYTES);
    // A client may close its sending half and still receive.
    let mut open = true;
    let mut replies: VecDeque<Pending> = VecDeque::new();
    loop {
        tokio::select! {
            biased;
            // In the order of the requests.
            reply = next_reply(&mut replies), if !replies.is_empty() => {
                lines.clear();
                put(&mut lines, &Published::new(message(reply)));
                tokio::time::timeout(STALLED_MAX, to.write_all(&lines)).await??;
            }
            message = subscriber.next() => {
                let Some(message) = message else { return to.shutdown().await };
                lines.clear();
                put(&mut lines, &message);
                while lines.len() < WRITE_BYTES && let Some(message) = subscriber.try_next() {
                    put(&mut lines, &message);
                }
                tokio::time::timeout(STALLED_MAX, to.write_all(&lines)).await??;
            }
            // A client that sends requests without taking replies waits.
            read = from.read(&mut input), if open && replies.is_empty() => {
                let count = read?;
                open = count > 0;
                for &byte in &input[..count] {
                    if byte != b'\n' {
                        line.push(byte);
                        if line.len() <= LINE_BYTES_MAX {
                            continue;
                        }
                    }
                    match read_line(&line) {
                        Ok(Line::Empty) => {}
                        Ok(Line::Subscription(subscription)) => subscriber.resubscribe(subscription),
                        Ok(Line::Request(text)) => replies.push_back(door.submit(text)),
                        Err(reason) => return refuse(to, reason).await,
                    }
                    line.clear();
                }
            }
        }
    }
}

/// What a client has sent.
enum Line<'a> {
    Empty,
    Subscription(Subscription),
    Request(&'a str),
}

fn read_line(line: &[u8]) -> Result<Line<'_>, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("a line is longer than {LINE_BYTES_MAX} bytes"));
    }
    let text = str::from_utf8(line).map_err(|_| "a line is not UTF-8".to_owned())?;
    match text.trim() {
        "" => Ok(Line::Empty),
        text if Request::is_meant(text) => Ok(Line::Request(text)),
        text => Subscription::from_json(text)
            .map(Line::Subscription)
            .map_err(|e| e.to_string()),
    }
}

/// Where the requests of a socket's clients go.
#[derive(Debug, Clone)]
pub enum Door {
    /// To the daemon.
    Open(Control),
    /// Nowhere, for this reason.
    Closed(&'static str),
}

impl Door {
    /// Hands in a request; one that cannot be read is answered at once.
    pub(super) fn submit(&self, text: &str) -> Pending {
        match (self, Request::from_json(text)) {
            (Self::Open(control), Ok(request)) => control.submit(request),
            (Self::Open(_), Err(error)) => answered(impossible(error.to_string())),
            (Self::Closed(reason), request) => answered(Reply {
                id: request.ok().and_then(|request| request.id),
                ..impossible(*reason)
            }),
        }
    }
}

fn answered(reply: Reply) -> Pending {
    let (sender, pending) = tokio::sync::oneshot::channel();
    let _ = sender.send(reply);
    pending
}

/// The reply to the oldest request. Cancel safe.
pub(super) async fn next_reply(replies: &mut VecDeque<Pending>) -> Reply {
    let Some(oldest) = replies.front_mut() else {
        return std::future::pending().await;
    };
    let reply = oldest.await;
    replies.pop_front();
    reply.unwrap_or_else(|_| refusal("the run is over"))
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
