//! Options for programs that connect to a running daemon.

use std::path::PathBuf;

use anyhow::Context as _;
use vocald_client::Address;

#[derive(Debug, clap::Args)]
pub struct DaemonAccess {
    /// Token of a daemon on another machine, for http:// addresses
    #[arg(long, env = "VOCALD_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Certificate to trust for https:// addresses, in PEM [default: those of the system]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl DaemonAccess {
    /// The address with the token and the certificate.
    pub fn to(&self, address: Address) -> anyhow::Result<Address> {
        let address = match self.token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => address.with_token(token),
            None => address,
        };
        let Some(file) = &self.ca else {
            return Ok(address);
        };
        let pem = std::fs::read(file);
        Ok(address.with_ca(pem.with_context(|| format!("{} cannot be read", file.display()))?))
    }
}
