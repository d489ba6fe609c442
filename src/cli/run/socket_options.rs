//! The options of `run` for those who connect.

use crate::config::PublishConfig;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "For other processes")]
pub struct SocketOptions {
    /// Serve a page, a WebSocket and metrics, on 127.0.0.1:8770 unless another address is given.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    http: Option<String>,
    /// JSON lines on a Unix socket; without a path $XDG_RUNTIME_DIR/vocald.sock.
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    unix: Option<String>,
    /// JSON lines on TCP, on this machine only: 127.0.0.1:PORT or PORT.
    #[arg(long, value_name = "ADDR")]
    tcp: Option<String>,
}

impl SocketOptions {
    pub fn lay_over(&self, publish: &mut PublishConfig) {
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
