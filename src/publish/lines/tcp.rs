//! JSON lines on TCP. There is no token in this protocol, so it is for this machine alone.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::publish::fanout::Subscriptions;
use crate::publish::lines::{Door, serve};
use crate::publish::server::Server;

impl Door for tokio::net::TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn open(&self) -> io::Result<Self::Stream> {
        let (stream, _) = self.accept().await?;
        // A flag that waits for the next one to share a packet with comes late.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Listens on `address`, and tells which it got where its port is 0.
pub fn start(
    address: SocketAddr,
    subscriptions: Subscriptions,
    clients_max: usize,
) -> io::Result<(Server, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let server = Server::start("tcp", move || async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        serve(listener, subscriptions, clients_max).await;
        Ok(())
    })?;
    Ok((server, address))
}
