//! JSON lines on TCP. The protocol has no token, so it is for this machine only.

use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::publish::fanout::Subscriptions;
use crate::publish::lines::{Listener, serve};
use crate::publish::server::Server;

impl Listener for tokio::net::TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn accept(&self) -> io::Result<Self::Stream> {
        let (stream, _) = tokio::net::TcpListener::accept(self).await?;
        // A message must not wait for the next one to share its packet.
        stream.set_nodelay(true)?;
        Ok(stream)
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
