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
    /// Path of the socket. Empty: `$XDG_RUNTIME_DIR/vocald.sock`, or `/run/vocald.sock` if that variable is not set.
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
        check_clients("publish.unix", self.clients_max)
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
        check_clients("publish.tcp", self.clients_max)
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

    /// Replaces the token by a placeholder, before the configuration is printed.
    pub fn conceal_token(&mut self) {
        if !self.token.is_empty() {
            self.token = "(set, not shown)".into();
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.access()?;
        check_clients("publish.http", self.clients_max)
    }
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

fn address(key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    let port_alone = || {
        let port = text.parse().ok()?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    let local = text.replacen("localhost:", "127.0.0.1:", 1);
    local.parse().ok().or_else(port_alone).ok_or_else(|| {
        ConfigError::value(
            key,
            format!("`{text}` is not ADDRESS:PORT, as 127.0.0.1:8770"),
        )
    })
}

fn check_clients(table: &str, clients: usize) -> Result<(), ConfigError> {
    match (1..=CLIENTS_MAX).contains(&clients) {
        true => Ok(()),
        false => Err(ConfigError::value(
            format!("{table}.clients_max"),
            format!("{clients} is not in 1 to {CLIENTS_MAX}"),
        )),
    }
}
