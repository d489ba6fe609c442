//! Where other processes may connect: all off until asked for.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::publish::http::Access;
use vocald_client::socket_path;

/// More clients than this would be short of file handles long before.
const CLIENTS_MAX: usize = 16_384;

/// JSON lines on a Unix socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnixConfig {
    pub enabled: bool,
    /// Empty: `$XDG_RUNTIME_DIR/vocald.sock`, or `/run/vocald.sock` where there is none.
    pub path: String,
    pub clients_max: usize,
}

/// JSON lines on TCP, on this machine only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TcpConfig {
    pub enabled: bool,
    /// `ADDRESS:PORT`, or a port alone.
    pub listen: String,
    pub clients_max: usize,
}

/// The page, the WebSocket and the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    pub enabled: bool,
    /// `ADDRESS:PORT`, or a port alone. Beyond loopback a token is demanded.
    pub listen: String,
    /// Empty: none. `VOCALD_TOKEN` in the environment has the last word.
    pub token: String,
    /// Web pages from elsewhere that may open the WebSocket, as `https://desk.example`.
    pub origins: Vec<String>,
    /// WebSocket clients.
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
    pub fn address(&self) -> Result<SocketAddr, ConfigError> {
        let address = address("publish.tcp.listen", &self.listen)?;
        match address.ip().is_loopback() {
            true => Ok(address),
            false => Err(ConfigError::value(
                "publish.tcp.listen",
                format!(
                    "{address} is not on this machine alone: use 127.0.0.1, or publish.http, which can ask for a token"
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
    pub fn access(&self) -> Result<Access, ConfigError> {
        let address = address("publish.http.listen", &self.listen)?;
        let token = std::env::var("VOCALD_TOKEN").unwrap_or_else(|_| self.token.clone());
        Access::new(address, Some(token), self.origins.clone()).ok_or_else(|| {
            ConfigError::value(
                "publish.http.listen",
                format!(
                    "{address} can be reached from other machines: set publish.http.token or VOCALD_TOKEN, or use 127.0.0.1"
                ),
            )
        })
    }

    /// For showing the configuration to people.
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
