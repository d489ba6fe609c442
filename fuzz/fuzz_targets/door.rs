//! The HTTP server of a hub without streams, for one client after the other.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use vocald::config::HttpAccess;
use vocald::publish::hub::{Delivery, HelloFacts, Hub};
use vocald::publish::Control;
use vocald::publish::http::{self, Limits, Settings, Started};

/// Starts the server with the first call.
pub fn address() -> SocketAddr {
    static SERVER: OnceLock<(Hub, SocketAddr)> = OnceLock::new();
    let (_, address) = SERVER.get_or_init(|| {
        let hub = Hub::new(HelloFacts {
            model: "fuzz".into(),
            device: "cpu".into(),
            precision: "float32".into(),
            horizons_s: vec![0.5],
            lookahead_s: 0.5,
            hop_s: 0.07,
        });
        let access = HttpAccess::new("127.0.0.1:0".parse().unwrap(), None, Vec::new()).unwrap();
        let limits = Limits {
            clients: 64,
            clients_per_address: 64,
            requests: 64,
        };
        let settings = Settings {
            access: Arc::new(access),
            tls: None,
        };
        let control = Control::none();
        let started = http::start(&hub, settings, limits, 16, Box::new(NoMetrics), control);
        let Started { address, sink, .. } = started.unwrap();
        hub.attach(sink, Delivery::DropOldest { capacity: 16 }).unwrap();
        (hub, address)
    });
    *address
}

/// Sends `bytes`, and reads what comes back until the server is done with them.
pub fn send(bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    response
}

/// The server is still there.
pub fn is_alive() {
    let response = send(b"GET /api/streams HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(response.starts_with(b"HTTP/1.1 200"), "the server is gone");
}

#[derive(Debug)]
struct NoMetrics;

impl prometheus_client::collector::Collector for NoMetrics {
    fn encode(
        &self,
        _: prometheus_client::encoding::DescriptorEncoder,
    ) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}
