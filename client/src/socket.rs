//! A socket whose reads and writes have time limits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::{Address, ClientError};

/// A daemon reads the few bytes it is sent at once.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// Reads end at the deadline, however slowly bytes come, until it is lifted.
#[derive(Debug)]
pub struct TimedSocket {
    socket: Socket,
    deadline: Option<Instant>,
}

impl TimedSocket {
    pub fn unix(path: &Path, address: &Address, deadline: Instant) -> Result<Self, ClientError> {
        let socket = UnixStream::connect(path).and_then(|stream| {
            stream.set_write_timeout(Some(WRITE_WITHIN))?;
            Ok(Socket::Unix(stream))
        });
        Self::new(socket, address, deadline)
    }

    pub fn tcp(
        host: &str,
        port: u16,
        address: &Address,
        deadline: Instant,
    ) -> Result<Self, ClientError> {
        let socket = connect(host, port, deadline).and_then(|stream| {
            stream.set_write_timeout(Some(WRITE_WITHIN))?;
            stream.set_nodelay(true)?;
            Ok(Socket::Tcp(stream))
        });
        Self::new(socket, address, deadline)
    }

    fn new(
        socket: io::Result<Socket>,
        address: &Address,
        deadline: Instant,
    ) -> Result<Self, ClientError> {
        match socket {
            Ok(socket) => Ok(Self {
                socket,
                deadline: Some(deadline),
            }),
            Err(error) => Err(ClientError::Unreachable {
                address: address.to_string(),
                error,
            }),
        }
    }

    /// From now on a read ends after `silence_max` without a byte.
    pub fn lift_deadline(&mut self, silence_max: Option<Duration>) -> io::Result<()> {
        self.deadline = None;
        self.socket.set_read_timeout(silence_max)
    }
}

fn connect(host: &str, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    for address in addresses {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Socket {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.set_read_timeout(timeout),
            Self::Tcp(stream) => stream.set_read_timeout(timeout),
        }
    }
}

impl Read for TimedSocket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.socket.set_read_timeout(Some(left))?;
        }
        let read = match &mut self.socket {
            Socket::Unix(stream) => stream.read(into),
            Socket::Tcp(stream) => stream.read(into),
        };
        read.map_err(|error| match error.kind() {
            // Systems differ in the kind of a read that timed out.
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}

impl Write for TimedSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.socket {
            Socket::Unix(stream) => stream.write(bytes),
            Socket::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
