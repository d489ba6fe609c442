//! `[publish.unix]`, `[publish.tcp]` and `[publish.http]`: sockets that other programs connect to. All are off by
//! default.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocald_client::socket_path;

use crate::config::ConfigError;

/// Overrides `publish.http.token`.
const TOKEN_VARIABLE: &str = "VOCALD_TOKEN";
/// More clients than this would need more file handles than systems give.
const CLIENTS_MAX: usize = 16_384;

/// JSON lines on a Unix socket, for the user and group of the daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnixConfig {
    /// Whether to listen.
    pub enabled: bool,
    /// Path of the socket. Empty: `vocald.sock` in `$RUNTIME_DIRECTORY` (under systemd: `/run/vocald`), or else in
    /// `$XDG_RUNTIME_DIR`, or else in `/run`.
    pub path: String,
    /// Clients at a time; more are refused. 1 to 16384.
    pub clients_max: usize,
}

/// JSON lines on TCP, for programs on this machine only: the protocol has no token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TcpConfig {
    /// Whether to listen.
    pub enabled: bool,
    /// Loopback address as `ADDRESS:PORT`, or a port alone.
    pub listen: String,
    /// Clients at a time; more are refused. 1 to 16384.
    pub clients_max: usize,
    /// Of these, clients from one address; more are refused. 1 to 16384.
    pub clients_per_address_max: usize,
}

/// HTTP: a page for browsers, a WebSocket, the state as JSON, health and Prometheus metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Whether to listen.
    pub enabled: bool,
    /// Address as `ADDRESS:PORT`, or a port alone (on 127.0.0.1). Beyond loopback a token is required.
    pub listen: String,
    /// Token that every request must bring, except for the page itself. Empty: none. The environment variable
    /// `VOCALD_TOKEN` overrides it.
    pub token: String,
    /// Origins of other web pages that may open the WebSocket, as `https://desk.example`.
    pub origins: Vec<String>,
    /// WebSocket clients at a time; more are refused. 1 to 16384.
    pub clients_max: usize,
    /// Of these, clients from one address (of IPv6, from one /64 network); more are refused. 1 to 16384.
    pub clients_per_address_max: usize,
    /// Certificate chain for TLS (PEM), the server's own first. Read again when the file changes. Empty: no TLS.
    pub tls_cert_file: String,
    /// Private key of the certificate (PEM).
    pub tls_key_file: String,
}

impl Default for UnixConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            path: String::new(),
            clients_max: 128,
        }
    }
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: "127.0.0.1:8771".into(),
            clients_max: 128,
            clients_per_address_max: 96,
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: "127.0.0.1:8770".into(),
            token: String::new(),
            origins: Vec::new(),
            clients_max: 1024,
            clients_per_address_max: 256,
            tls_cert_file: String::new(),
            tls_key_file: String::new(),
        }
    }
}

impl UnixConfig {
    /// The path of the socket, the default one if none is set.
    pub fn path(&self) -> PathBuf {
        match self.path.is_empty() {
            true => socket_path::default_path(),
            false => PathBuf::from(&self.path),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check_clients("publish.unix.clients_max", self.clients_max)
    }
}

impl TcpConfig {
    /// The address to listen on.
    ///
    /// # Errors
    ///
    /// If `listen` is not an address, or is beyond loopback.
    pub fn address(&self) -> Result<SocketAddr, ConfigError> {
        let address = address("publish.tcp.listen", &self.listen)?;
        match address.ip().is_loopback() {
            true => Ok(address),
            false => Err(ConfigError::value(
                "publish.tcp.listen",
                format!(
                    "{address} is not on this machine alone: use 127.0.0.1, or publish.http, which can require a token"
                ),
            )),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.address()?;
        check_clients("publish.tcp.clients_max", self.clients_max)?;
        let per_address = self.clients_per_address_max;
        check_clients("publish.tcp.clients_per_address_max", per_address)
    }
}

impl HttpConfig {
    /// Where to listen and for whom. Reads `VOCALD_TOKEN` from the environment.
    ///
    /// # Errors
    ///
    /// If `listen` is not an address, or is beyond loopback without a token.
    pub fn access(&self) -> Result<HttpAccess, ConfigError> {
        let address = address("publish.http.listen", &self.listen)?;
        let token = std::env::var(TOKEN_VARIABLE).unwrap_or_else(|_| self.token.clone());
        HttpAccess::new(address, Some(token), self.origins.clone())
    }

    /// The files of the certificate; `None` without TLS.
    ///
    /// # Errors
    ///
    /// If only one of the two files is set.
    pub fn tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        match (self.tls_cert_file.as_str(), self.tls_key_file.as_str()) {
            ("", "") => Ok(None),
            (_, "") => Err(ConfigError::value(
                "publish.http.tls_key_file",
                "the private key of tls_cert_file is missing",
            )),
            ("", _) => Err(ConfigError::value(
                "publish.http.tls_cert_file",
                "the certificate of tls_key_file is missing",
            )),
            (cert, key) => Ok(Some(TlsFiles {
                cert: cert.into(),
                key: key.into(),
            })),
        }
    }

    /// Replaces the token by a placeholder, before the configuration is printed.
    pub fn conceal_token(&mut self) {
        if !self.token.is_empty() {
            self.token = "(set, not shown)".into();
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.access()?;
        self.tls()?;
        check_clients("publish.http.clients_max", self.clients_max)?;
        let per_address = self.clients_per_address_max;
        check_clients("publish.http.clients_per_address_max", per_address)
    }
}

/// Files of a certificate chain and its private key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate first.
    pub cert: PathBuf,
    /// Of the first certificate.
    pub key: PathBuf,
}

/// Where HTTP listens and for whom. Beyond loopback there is always a token.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAccess {
    address: SocketAddr,
    token: Option<String>,
    origins: Vec<String>,
}

impl HttpAccess {
    /// An empty token is none. `origins`: other web pages that may open the WebSocket, as `https://desk.example`.
    ///
    /// # Errors
    ///
    /// If `address` is beyond loopback and there is no token.
    pub fn new(
        address: SocketAddr,
        token: Option<String>,
        origins: Vec<String>,
    ) -> Result<Self, ConfigError> {
        let token = token.filter(|token| !token.is_empty());
        match address.ip().is_loopback() || token.is_some() {
            true => Ok(Self {
                address,
                token,
                origins,
            }),
            false => Err(ConfigError::value(
                "publish.http.listen",
                format!(
                    "{address} can be reached from other machines: set publish.http.token or {TOKEN_VARIABLE}, or use 127.0.0.1"
                ),
            )),
        }
    }

    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The token that requests must bring, if any.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Origins of other web pages that may open the WebSocket.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }
}

/// Without the token.
impl std::fmt::Debug for HttpAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("HttpAccess")
            .field("address", &self.address)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

/// `ADDRESS:PORT`, or a port alone on 127.0.0.1.
pub(crate) fn listen_address(text: &str) -> Option<SocketAddr> {
    let port_alone = || {
        let port = text.parse().ok()?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    let local = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    local.parse().ok().or_else(port_alone)
}

fn address(key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    listen_address(text).ok_or_else(|| {
        ConfigError::value(
            key,
            format!("`{text}` is not ADDRESS:PORT, as 127.0.0.1:8770"),
        )
    })
}

fn check_clients(key: &str, clients: usize) -> Result<(), ConfigError> {
    match (1..=CLIENTS_MAX).contains(&clients) {
        true => Ok(()),
        false => Err(ConfigError::value(
            key,
            format!("{clients} is not in 1 to {CLIENTS_MAX}"),
        )),
    }
}
