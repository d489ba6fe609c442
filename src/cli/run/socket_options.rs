//! Options of `run` for its sockets and its page.

use crate::config::PublishConfig;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sockets and page")]
pub struct SocketOptions {
    /// Serve the page, WebSocket and metrics over HTTP; ADDR is ADDRESS:PORT or a port, and beyond this machine
    /// needs a token (VOCALD_TOKEN) [default ADDR: 127.0.0.1:8770]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    http: Option<String>,
    /// Encrypt HTTP: certificate chain in PEM, the server's own first
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<String>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<String>,
    /// Serve JSON lines on a Unix socket; a PATH that does not end in .sock is written --unix=PATH [default PATH:
    /// $XDG_RUNTIME_DIR/vocald.sock]
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    unix: Option<String>,
    /// Serve JSON lines over TCP on this machine: PORT or 127.0.0.1:PORT
    #[arg(long, value_name = "ADDR")]
    tcp: Option<String>,
}

impl SocketOptions {
    pub fn apply(&self, publish: &mut PublishConfig) {
        let set = |enabled: &mut bool, value: &mut String, option: &Option<String>| {
            *enabled |= option.is_some();
            if let Some(given) = option.as_ref().filter(|given| !given.is_empty()) {
                value.clone_from(given);
            }
        };
        let (http, unix, tcp) = (&mut publish.http, &mut publish.unix, &mut publish.tcp);
        set(&mut http.enabled, &mut http.listen, &self.http);
        set(&mut unix.enabled, &mut unix.path, &self.unix);
        set(&mut tcp.enabled, &mut tcp.listen, &self.tcp);
        let files = [
            (&mut http.tls_cert_file, &self.tls_cert),
            (&mut http.tls_key_file, &self.tls_key),
        ];
        for (file, option) in files {
            if let Some(given) = option {
                file.clone_from(given);
            }
        }
    }
}
