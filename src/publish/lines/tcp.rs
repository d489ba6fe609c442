//! JSON lines on TCP. The protocol has no token, so it is for this machine only.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use crate::publish::fanout::Subscriptions;
use crate::publish::lines::{Door, Listener, serve};
use crate::publish::places::Places;
use crate::publish::server::Server;

/// Why clients cannot change anything.
const NO_REQUESTS: &str = "TCP takes no requests, as it has no token: use the Unix socket, the WebSocket or POST /api/control";

impl Listener for tokio::net::TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn accept(&self) -> io::Result<(Self::Stream, Option<IpAddr>)> {
        let (stream, peer) = tokio::net::TcpListener::accept(self).await?;
        // A message must not wait for the next one to share its packet.
        stream.set_nodelay(true)?;
        Ok((stream, Some(peer.ip())))
    }
}

/// Listens on `address`. Returns the server and its address, which differs from `address` if that has port 0.
///
/// # Errors
///
/// If the address cannot be listened on, or the system gives no thread.
pub fn start(
    address: SocketAddr,
    subscriptions: Subscriptions,
    places: Arc<Places>,
) -> io::Result<(Server, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let server = Server::start("tcp", move || async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        serve(listener, subscriptions, places, Door::Closed(NO_REQUESTS)).await;
        Ok(())
    })?;
    Ok((server, address))
}
