//! OS2L, the protocol of light programs: `{"evt":"btn","name":"lead","state":"on"}` over TCP.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use mdns_sd::{ServiceDaemon, ServiceEvent};
use serde::Serialize;

use crate::config::{OS2L_DISCOVER, Os2lConfig};
use crate::publish::switches::{
    Arrived, Selection, Switchboard, Switches, TIME_LIMIT, arrived, connect,
};

/// What light programs announce.
const SERVICE: &str = "_os2l._tcp.local.";

/// A light program.
struct Lights {
    target: String,
    button: String,
    connection: Option<TcpStream>,
}

/// A press or release of a button.
#[derive(Serialize)]
struct Button<'a> {
    evt: &'static str,
    name: &'a str,
    state: &'static str,
}

/// The sink.
///
/// # Errors
///
/// If the system gives no thread.
pub fn start(config: &Os2lConfig) -> io::Result<Switches> {
    let lights = Lights {
        target: config.target.clone(),
        button: config.button.clone(),
        connection: None,
    };
    let selection = Selection {
        streams: config.streams.clone(),
        is_common: !config.button.is_empty(),
    };
    Switches::start(lights, selection)
}

impl Switchboard for Lights {
    fn name(&self) -> String {
        format!("OS2L {}", self.target)
    }

    fn connect(&mut self) -> io::Result<()> {
        self.connection = None;
        self.connection = Some(match self.target.as_str() {
            OS2L_DISCOVER => connect(&discovered()?.to_string())?,
            target => connect(target)?,
        });
        Ok(())
    }

    fn set(&mut self, stream: Option<&str>, on: bool) -> io::Result<()> {
        let button = Button {
            evt: "btn",
            name: stream.unwrap_or(&self.button),
            state: if on { "on" } else { "off" },
        };
        let line = serde_json::to_string(&button)? + "\n";
        match &mut self.connection {
            Some(connection) => connection.write_all(line.as_bytes()),
            None => Err(io::Error::from(io::ErrorKind::NotConnected)),
        }
    }

    fn is_connected(&mut self) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        loop {
            match arrived(connection) {
                Arrived::Nothing => return true,
                // Light programs report their own buttons; nobody asks.
                Arrived::Bytes => match connection.read(&mut [0; 1024]) {
                    Ok(1..) => {}
                    _ => return false,
                },
                Arrived::End => return false,
            }
        }
    }
}

/// The first light program that the network announces.
fn discovered() -> io::Result<SocketAddr> {
    let browser = ServiceDaemon::new().map_err(io::Error::other)?;
    let events = browser.browse(SERVICE).map_err(io::Error::other)?;
    let end = Instant::now() + TIME_LIMIT;
    let mut found = None;
    while let Ok(event) = events.recv_deadline(end) {
        if let ServiceEvent::ServiceResolved(service) = event
            && let Some(address) = service.get_addresses_v4().into_iter().min()
        {
            found = Some(SocketAddr::from((address, service.get_port())));
            break;
        }
    }
    let _ = browser.shutdown();
    found.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "no light program is announced as _os2l._tcp",
        )
    })
}
