//! JSON lines on TCP. The protocol has no token, so it is for this machine only.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use crate::publish::fanout::Subscriptions;
use crate::publish::lines::{Listener, serve};
use crate::publish::places::Places;
use crate::publish::server::Server;

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
    clients_max: usize,
    clients_per_address_max: usize,
) -> io::Result<(Server, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let server = Server::start("tcp", move || async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let places = Places::new("publish.tcp", clients_max, clients_per_address_max);
        serve(listener, subscriptions, places).await;
        Ok(())
    })?;
    Ok((server, address))
}
