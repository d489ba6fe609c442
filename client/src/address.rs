//! Addresses of daemons.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tungstenite::http::Uri;

use crate::socket_path;

/// Address of a daemon: `unix:PATH` or a path alone, `tcp:HOST:PORT`, `ws://HOST:PORT/ws` or `http://HOST:PORT`; with
/// the feature `tls` also `wss://` and `https://`.
///
/// The default is the Unix socket of the user's daemon, or else that of the system's service ([`socket_path`]).
///
/// ```no_run
/// use vocald_client::Address;
///
/// assert_eq!("/run/vocald.sock".parse(), Ok(Address::unix("/run/vocald.sock")));
/// assert_eq!("tcp:127.0.0.1:8771".parse(), Ok(Address::tcp("127.0.0.1", 8771)));
/// let page: Address = "http://desk.local:8770/".parse()?;
/// assert_eq!(page.to_string(), "ws://desk.local:8770/ws");
/// # Ok::<(), vocald_client::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// JSON lines on a Unix socket.
    Unix(PathBuf),
    /// JSON lines on TCP.
    Tcp {
        /// Name or address; IPv6 without brackets.
        host: String,
        /// 1 to 65535.
        port: u16,
    },
    /// The WebSocket beside the daemon's page.
    WebSocket(WebSocketUrl),
}

/// A text that is not the address of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a daemon: {problem}")]
pub struct AddressError {
    text: String,
    problem: &'static str,
}

/// A valid `ws://` or `wss://` URL, the token for it, and the certificate to trust. Printed without the token.
#[derive(Clone, PartialEq, Eq)]
pub struct WebSocketUrl {
    uri: Uri,
    host: String,
    port: u16,
    token: Option<String>,
    /// PEM.
    ca: Option<Vec<u8>>,
}

impl Address {
    /// The Unix socket at `path`.
    ///
    /// ```no_run
    /// # use vocald_client::Address;
    /// let address = Address::unix("/run/vocald.sock");
    /// ```
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::Unix(path.into())
    }

    /// JSON lines on TCP; an IPv6 address without brackets.
    ///
    /// ```no_run
    /// # use vocald_client::Address;
    /// let address = Address::tcp("::1", 8771);
    /// ```
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::Tcp {
            host: host.into(),
            port,
        }
    }

    /// With the token that the daemon requires of a WebSocket. The other kinds need none.
    ///
    /// ```no_run
    /// # use vocald_client::Address;
    /// let address = "http://desk.local:8770".parse::<Address>()?.with_token("open sesame");
    /// # Ok::<(), vocald_client::AddressError>(())
    /// ```
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        if let Self::WebSocket(url) = &mut self {
            url.token = Some(token.into());
        }
        self
    }

    /// With the certificates (PEM) to trust instead of the system's, for `wss://` and `https://`: the daemon's own if
    /// nobody has signed it.
    ///
    /// ```no_run
    /// # use vocald_client::Address;
    /// let certificate = std::fs::read("desk.pem")?;
    /// let address = "http://desk.local:8770".parse::<Address>()?.with_ca(certificate);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        if let Self::WebSocket(url) = &mut self {
            url.ca = Some(pem.into());
        }
        self
    }
}

impl Default for Address {
    fn default() -> Self {
        Self::Unix(socket_path::usual_path())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let invalid = |problem| AddressError {
            text: text.to_owned(),
            problem,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(invalid("a path is missing after unix:")),
                path => Ok(Self::unix(path)),
            };
        }
        if let Some(rest) = text.strip_prefix("tcp:") {
            let (host, port) = host_and_port(rest.trim_start_matches("//"))
                .ok_or_else(|| invalid("write tcp:HOST:PORT, as tcp:127.0.0.1:8771"))?;
            return Ok(Self::tcp(host, port));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return match scheme {
                "ws" | "http" => WebSocketUrl::new("ws", rest)
                    .map(Self::WebSocket)
                    .map_err(invalid),
                "wss" | "https" if cfg!(feature = "tls") => WebSocketUrl::new("wss", rest)
                    .map(Self::WebSocket)
                    .map_err(invalid),
                "wss" | "https" => Err(invalid(
                    "this program was built without encryption (the feature tls of vocald-client)",
                )),
                _ => Err(invalid(
                    "the kinds are unix:, tcp:, ws://, http://, wss:// and https://",
                )),
            };
        }
        if text.is_empty() {
            return Err(invalid("it is empty"));
        }
        if !text.contains('/') && host_and_port(text).is_some() {
            return Err(invalid("write http:// or tcp: before it"));
        }
        Ok(Self::unix(text))
    }
}

fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.trim_end_matches('/').rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    // Without brackets the colon before the port is ambiguous.
    let host = bare.or((!host.contains(':')).then_some(host))?;
    let host = Some(host).filter(|host| !host.is_empty() && !host.contains('/'))?;
    Some((host, port.parse().ok().filter(|&port: &u16| port > 0)?))
}

impl WebSocketUrl {
    /// From what follows `://`.
    fn new(scheme: &str, rest: &str) -> Result<Self, &'static str> {
        let no_url = "it is no URL, as http://127.0.0.1:8770";
        let rest = rest.split('#').next().unwrap_or_default();
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, format!("?{query}")),
            None => (rest, String::new()),
        };
        let place = place.trim_end_matches('/');
        let path = if place.ends_with("/ws") { "" } else { "/ws" };
        let uri: Uri = format!("{scheme}://{place}{path}{query}")
            .parse()
            .map_err(|_| no_url)?;
        let authority = uri.authority().ok_or(no_url)?.as_str();
        if authority.contains('@') {
            return Err("a daemon has no user names; put a token into ?token= or VOCALD_TOKEN");
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(no_url)?;
        // Without a port, those of HTTP and HTTPS.
        let port = match authority.strip_prefix(host).ok_or(no_url)? {
            "" if scheme == "wss" => 443,
            "" => 80,
            port => port
                .strip_prefix(':')
                .and_then(|p| p.parse().ok())
                .ok_or(no_url)?,
        };
        if port == 0 {
            return Err(no_url);
        }
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Ok(Self {
            uri,
            host,
            port,
            token: None,
            ca: None,
        })
    }

    pub(crate) fn request_uri(&self) -> Uri {
        self.uri.clone()
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.uri.scheme_str() == Some("wss")
    }

    #[cfg(feature = "tls")]
    pub(crate) fn ca(&self) -> Option<&[u8]> {
        self.ca.as_deref()
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// Without the query, which may hold a token.
impl fmt::Display for WebSocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let authority = self.uri.authority().map_or("", |a| a.as_str());
        let scheme = self.uri.scheme_str().unwrap_or("ws");
        write!(f, "{scheme}://{authority}{}", self.uri.path())
    }
}

impl fmt::Debug for WebSocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "WebSocketUrl({self})")
    }
}

/// In the form that is parsed, without a token.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
            Self::WebSocket(url) => write!(f, "{url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Result<String, String> {
        let address = text.parse::<Address>();
        address.map(|a| a.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn every_written_form_is_read() {
        for (text, means) in [
            ("/run/vocald.sock", "unix:/run/vocald.sock"),
            ("unix:/run/vocald.sock", "unix:/run/vocald.sock"),
            ("vocald.sock", "unix:vocald.sock"),
            ("tcp:localhost:8771", "tcp:localhost:8771"),
            ("tcp://127.0.0.1:8771/", "tcp:127.0.0.1:8771"),
            ("tcp:[::1]:8771", "tcp:[::1]:8771"),
            ("http://127.0.0.1:8770", "ws://127.0.0.1:8770/ws"),
            ("http://[::1]:8770/", "ws://[::1]:8770/ws"),
            ("ws://desk:8770/ws?token=secret", "ws://desk:8770/ws"),
            ("http://desk:8770?token=secret", "ws://desk:8770/ws"),
            ("http://desk/behind/a/proxy/", "ws://desk/behind/a/proxy/ws"),
            #[cfg(feature = "tls")]
            ("https://desk:8770?token=secret", "wss://desk:8770/ws"),
        ] {
            assert_eq!(written(text).as_deref(), Ok(means), "{text}");
        }
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        for (text, why) in [
            ("", "empty"),
            ("unix:", "path"),
            ("tcp:localhost", "tcp:HOST:PORT"),
            ("tcp:::1:8771", "tcp:HOST:PORT"),
            ("tcp:host:0", "tcp:HOST:PORT"),
            ("tcp:host:99999", "tcp:HOST:PORT"),
            ("localhost:8770", "http:// or tcp:"),
            #[cfg(not(feature = "tls"))]
            ("wss://desk:8770", "feature tls"),
            ("ftp://desk", "kinds"),
            ("http://", "no URL"),
            ("http://desk:/", "no URL"),
            ("http://desk:x/", "no URL"),
            ("http://me:secret@desk/", "user names"),
        ] {
            let error = written(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let address: Address = "http://desk:8770?token=secret".parse().unwrap();
        let address = address.with_token("sesame");
        let shown = format!("{address} {address:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("sesame"),
            "{shown}"
        );
        let Address::WebSocket(url) = address else {
            panic!("no WebSocket")
        };
        assert_eq!(
            (url.host(), url.port(), url.token()),
            ("desk", 8770, Some("sesame"))
        );
        assert_eq!(url.request_uri().query(), Some("token=secret"));
    }
}
