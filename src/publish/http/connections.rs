//! The connections of the HTTP server: bounded in number and in time, so that none locks out another.
//!
//! A new connection is always accepted. Connections that are no WebSocket (yet) have a limit of their own; when it is
//! reached, the oldest one of the address with the most connections is closed. That is the reserve for `/healthz`
//! and every other request: a flood of idle connections displaces itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use crate::publish::places::network;

/// Time for the headers of a request, and between requests on one connection.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Time for a TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Longest life of a connection that does not become a WebSocket; then its present request is the last.
const REQUESTS_WITHIN: Duration = Duration::from_secs(60);
/// Time to take the last response.
const LAST_RESPONSE_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a request's line and headers.
const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// Wait after a failed accept: without file handles, until a connection is closed.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// The address of a request's client.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Serves connections for ever, at most `requests_max` at a time beside those that have become WebSockets. `tls`:
/// encrypts a connection that begins now.
pub async fn serve(
    listener: TcpListener,
    tls: impl Fn() -> Option<TlsAcceptor>,
    router: Router,
    requests_max: usize,
) {
    let open = Arc::new(Open {
        max: requests_max,
        seats: Mutex::default(),
    });
    let mut failing = false;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("an HTTP client cannot connect: {error}");
                }
                open.close_one();
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        failing = false;
        let seat = open.enter(peer.ip());
        let router = router.clone().layer(Extension(Peer(peer.ip())));
        let tls = tls();
        tokio::spawn(async move {
            tokio::select! {
                served = connection(stream, tls, router) => {
                    if let Err(error) = served {
                        tracing::debug!("HTTP connection from {peer}: {error}");
                    }
                }
                () = seat.closed.notified() => {}
            }
            drop(seat);
        });
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // A message must not wait for the next one to share its packet.
    stream.set_nodelay(true)?;
    match tls {
        None => requests(stream, router).await?,
        Some(tls) => {
            let handshake = tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(stream));
            requests(handshake.await??, router).await?;
        }
    }
    Ok(())
}

async fn requests<S>(stream: S, router: Router) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS_BYTES_MAX);
    let service = TowerToHyperService::new(router);
    let served = http
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = pin!(served);
    tokio::select! {
        served = &mut served => return served,
        () = tokio::time::sleep(REQUESTS_WITHIN) => {}
    }
    served.as_mut().graceful_shutdown();
    let last = tokio::time::timeout(LAST_RESPONSE_WITHIN, served);
    last.await.unwrap_or(Ok(()))
}

/// The connections that are no WebSocket.
struct Open {
    max: usize,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    next: u64,
    /// Oldest first.
    all: Vec<(u64, IpAddr, Arc<Notify>)>,
}

impl Open {
    fn enter(self: &Arc<Self>, address: IpAddr) -> Seat {
        if self.seats().all.len() >= self.max {
            self.close_one();
        }
        let mut seats = self.seats();
        let id = seats.next;
        seats.next += 1;
        let closed = Arc::new(Notify::new());
        seats.all.push((id, network(address), Arc::clone(&closed)));
        drop(seats);
        Seat {
            open: Arc::clone(self),
            id,
            closed,
        }
    }

    /// Closes the oldest connection of the address that has the most.
    fn close_one(&self) {
        let mut seats = self.seats();
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for (_, address, _) in &seats.all {
            *counts.entry(*address).or_default() += 1;
        }
        let most = counts.values().copied().max();
        let oldest = seats
            .all
            .iter()
            .position(|(_, address, _)| counts.get(address).copied() == most);
        if let Some(oldest) = oldest {
            let (_, _, closed) = seats.all.remove(oldest);
            closed.notify_one();
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's entry in [`Open`].
struct Seat {
    open: Arc<Open>,
    id: u64,
    /// Notified when the connection has to close.
    closed: Arc<Notify>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.open.seats().all.retain(|(id, ..)| *id != self.id);
    }
}
