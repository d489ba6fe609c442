//! Messages as text frames of a WebSocket.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tungstenite::client::IntoClientRequest as _;
use tungstenite::error::{Error, ProtocolError};
use tungstenite::http::{HeaderValue, Response, header};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{HandshakeError, Message as Frame, WebSocket};

use crate::address::WebSocketUrl;
use crate::client::{MESSAGE_BYTES_MAX, Transport};
use crate::link::Link;
use crate::socket::TimedSocket;
use crate::{Address, ClientError};

/// The daemon pings every 20 s.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Messages other than `hello` are at most 1 KiB.
const BUFFER_BYTES: usize = 16 * 1024;
/// Longest reason that is kept of a refusal's body.
const REASON_CHARS: usize = 200;

pub struct Socket {
    socket: WebSocket<Link>,
}

pub fn open(
    url: &WebSocketUrl,
    address: &Address,
    deadline: Instant,
) -> Result<Socket, ClientError> {
    let invalid = |reason: String| ClientError::Request {
        address: address.to_string(),
        reason,
    };
    let request = url.request_uri().into_client_request();
    let mut request = request.map_err(|e| invalid(e.to_string()))?;
    if let Some(token) = url.token() {
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut bearer =
            bearer.map_err(|_| invalid("the token is not valid in a header".into()))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MESSAGE_BYTES_MAX)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let socket = TimedSocket::tcp(url.host(), url.port(), address, deadline)?;
    let socket = link(url, socket).map_err(|reason| ClientError::Tls {
        address: address.to_string(),
        reason,
    })?;
    match tungstenite::client::client_with_config(request, socket, Some(config)) {
        Ok((socket, _)) => Ok(Socket { socket }),
        Err(HandshakeError::Failure(Error::Http(response))) => Err(refusal(&response, address)),
        Err(HandshakeError::Failure(Error::Io(error))) if error.kind() != ErrorKind::TimedOut => {
            Err(ClientError::Broken(error))
        }
        Err(_) => Err(ClientError::NoHello {
            address: address.to_string(),
        }),
    }
}

#[cfg(feature = "tls")]
fn link(url: &WebSocketUrl, socket: TimedSocket) -> Result<Link, String> {
    match url.is_encrypted() {
        true => crate::tls::connect(url, socket).map(|stream| Link::Tls(Box::new(stream))),
        false => Ok(Link::Plain(socket)),
    }
}

#[cfg(not(feature = "tls"))]
fn link(url: &WebSocketUrl, socket: TimedSocket) -> Result<Link, String> {
    debug_assert!(!url.is_encrypted(), "no address is parsed to one");
    Ok(Link::Plain(socket))
}

fn refusal(response: &Response<Option<Vec<u8>>>, address: &Address) -> ClientError {
    let status = response.status();
    let body = response.body().as_deref().unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(REASON_CHARS)
        .collect();
    let usual = status.canonical_reason().unwrap_or("no reason is given");
    ClientError::Http {
        address: address.to_string(),
        status: status.as_u16(),
        reason: if line.is_empty() { usual.into() } else { line },
    }
}

impl Transport for Socket {
    fn send(&mut self, text: &str) -> Result<(), ClientError> {
        match self.socket.send(Frame::text(text)) {
            // The daemon has closed the connection; its reason can still be read.
            Err(Error::Io(e)) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
            sent => sent.map_err(client_error),
        }
    }

    fn next(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            match self.socket.read() {
                Ok(Frame::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                // tungstenite answers pings; a close is followed by `ConnectionClosed`.
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Ok(None),
                Err(error) => return Err(client_error(error)),
            }
        }
    }

    fn socket(&mut self) -> &mut TimedSocket {
        self.socket.get_mut().socket()
    }

    fn silence_max(&self) -> Option<Duration> {
        Some(SILENCE_MAX)
    }
}

fn client_error(error: Error) -> ClientError {
    match error {
        Error::Io(error) if error.kind() == ErrorKind::TimedOut => ClientError::Silent {
            seconds: SILENCE_MAX.as_secs(),
        },
        Error::Io(error) => ClientError::Broken(error),
        Error::Capacity(_) => ClientError::TooLong {
            bytes_max: MESSAGE_BYTES_MAX,
        },
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => ClientError::CutOff,
        other => ClientError::Malformed(other.to_string()),
    }
}
