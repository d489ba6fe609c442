//! The bytes below a WebSocket, in clear or encrypted.

use std::io::{self, Read, Write};

use crate::socket::TimedSocket;
#[cfg(feature = "tls")]
use crate::tls::TlsStream;

/// The bytes below a WebSocket.
pub enum Link {
    /// In clear.
    Plain(TimedSocket),
    /// Encrypted.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
}

impl Link {
    /// The socket below.
    pub fn socket(&mut self) -> &mut TimedSocket {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => &mut stream.sock,
        }
    }
}

impl Read for Link {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }
}
