//! JSON lines to the clients of a socket: a message a line. A client may send a line of its own,
//! [`Subscription`] as JSON, to choose what it gets from then on.

pub mod tcp;
pub mod unix;

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use crate::publish::fanout::{Subscriber, Subscriptions};
use crate::publish::hub::Published;
use crate::publish::server::CLIENT_PATIENCE;
use vocald_client::Message;
use vocald_client::Subscription;
use vocald_client::message::{ALL_STREAMS, Refused, Version};

/// A longer line is no choice but a flood.
const LINE_BYTES_MAX: usize = 4096;
/// So much is gathered for one write.
const WRITE_BYTES: usize = 32 * 1024;

/// Where connections come from.
trait Door {
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;
    async fn open(&self) -> io::Result<Self::Stream>;
}

/// Takes clients, at most `clients_max` at a time, until nothing more is published.
async fn serve(door: impl Door, subscriptions: Subscriptions, clients_max: usize) {
    let places = Arc::new(Semaphore::new(clients_max));
    let tasks = tokio::task::LocalSet::new();
    let accepting = tasks.run_until(async {
        loop {
            let stream = match door.open().await {
                Ok(stream) => stream,
                Err(error) => {
                    // Out of file handles, mostly: it passes when clients go.
                    tracing::warn!("a client cannot be taken: {error}");
                    tokio::time::sleep(CLIENT_PATIENCE).await;
                    continue;
                }
            };
            let place = Arc::clone(&places).try_acquire_owned();
            let subscriber = subscriptions.subscribe(Subscription::default());
            tokio::task::spawn_local(async move {
                // Clients come and go; that is no news.
                let _ = match (place, subscriber) {
                    (Ok(_place), Some(subscriber)) => talk(stream, subscriber).await,
                    (Ok(_), None) => Ok(()),
                    (Err(_), _) => {
                        let reason = format!("there are {clients_max} clients already");
                        refuse(stream, reason).await
                    }
                };
            });
        }
    });
    tokio::select! {
        () = accepting => {}
        () = subscriptions.closed() => {}
    }
    // The tasks end by themselves, save those whose client does not read.
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
    // A client that closes its sending half still listens.
    let mut open = true;
    loop {
        tokio::select! {
            message = subscriber.next() => {
                let Some(message) = message else { return to.shutdown().await };
                lines.clear();
                put(&mut lines, &message);
                while lines.len() < WRITE_BYTES && let Some(message) = subscriber.waiting() {
                    put(&mut lines, &message);
                }
                to.write_all(&lines).await?;
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
                    match choice(&line) {
                        Ok(None) => {}
                        Ok(Some(subscription)) => subscriber.choose(subscription),
                        Err(reason) => return refuse(to, reason).await,
                    }
                    line.clear();
                }
            }
        }
    }
}

/// What a client's line asks for; None where it is empty.
fn choice(line: &[u8]) -> Result<Option<Subscription>, String> {
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

/// What a client is told before its connection is closed.
pub fn refused(reason: String) -> Message {
    Message::Refused(Refused {
        v: Version,
        stream: ALL_STREAMS.into(),
        reason,
    })
}
