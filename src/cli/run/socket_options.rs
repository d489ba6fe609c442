//! Options of `run` for its sockets and its page.

use crate::config::PublishConfig;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sockets and page")]
pub struct SocketOptions {
    /// Serve the page, WebSocket and metrics over HTTP [default ADDR: 127.0.0.1:8770]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    http: Option<String>,
    /// Serve JSON lines on a Unix socket [default PATH: $XDG_RUNTIME_DIR/vocald.sock]
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
    }
}
