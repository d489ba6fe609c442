//! The servers of a configuration: Unix socket, TCP and HTTP. Their clients stay when limits and access change.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{HttpConfig, PublishConfig, TcpConfig, UnixConfig};
use crate::pipeline::collector::Collector;
use crate::pipeline::sinks::{SinkError, no_thread};
use crate::publish::fanout::fanout;
use crate::publish::http::tls;
use crate::publish::hub::SinkId;
use crate::publish::lines::{tcp, unix};
use crate::publish::places::Places;
use crate::publish::rlimit;
use crate::publish::server::Server;
use crate::publish::{Control, Delivery, Hub, http};
use crate::stderr;

/// Connections for single requests, however few file handles there are.
const REQUESTS_MIN: usize = 8;
/// A server whose address has changed has this long to deliver what it still has.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the servers are connected to.
pub(super) struct Inside<'a> {
    pub hub: &'a Arc<Hub>,
    pub collector: &'a Arc<Collector>,
    pub control: &'a Control,
}

/// The servers that are open.
#[derive(Default)]
pub(super) struct Doors {
    unix: Option<Door<PathBuf, ()>>,
    tcp: Option<Door<SocketAddr, ()>>,
    http: Option<Door<SocketAddr, http::Handle>>,
}

/// An open server.
struct Door<A, H> {
    /// As configured; a port of 0 is another one in use.
    address: A,
    server: Server,
    sink: SinkId,
    places: Option<Arc<Places>>,
    handle: H,
}

impl<A, H> Door<A, H> {
    fn close(self, hub: &Hub) {
        hub.detach(self.sink, PATIENCE);
        self.server.finish();
    }
}

/// What a change opens; what it closes is decided by comparison.
pub(super) struct Change {
    opened: Doors,
    room: Room,
    http: Option<http::Settings>,
}

impl Change {
    /// Closes what was opened for a change that is not made.
    pub fn give_up(self, hub: &Hub) {
        self.opened.close(hub);
    }
}

impl Doors {
    /// Opens what `publish` has and these doors have not. Nothing is closed yet.
    pub fn prepare(&self, publish: &PublishConfig, inside: &Inside) -> Result<Change, SinkError> {
        let room = Room::make(publish);
        let http = match publish.http.enabled {
            true => Some(http_settings(&publish.http)?),
            false => None,
        };
        let mut opened = Doors::default();
        let open = |opened: &mut Doors| {
            let (unix, tcp) = (&publish.unix, &publish.tcp);
            if unix.enabled && self.unix.as_ref().is_none_or(|d| d.address != unix.path()) {
                opened.unix = Some(on_unix(unix, publish, inside, room)?);
            }
            if tcp.enabled {
                let address = tcp.address()?;
                if self.tcp.as_ref().is_none_or(|d| d.address != address) {
                    opened.tcp = Some(on_tcp(tcp, address, publish, inside, room)?);
                }
            }
            if let Some(settings) = &http {
                let address = settings.access.address();
                if self.http.as_ref().is_none_or(|d| d.address != address) {
                    let settings = settings.clone();
                    opened.http = Some(on_http(&publish.http, settings, publish, inside, room)?);
                }
            }
            Ok(())
        };
        match open(&mut opened) {
            Ok(()) => Ok(Change { opened, room, http }),
            Err(error) => {
                opened.close(inside.hub);
                Err(error)
            }
        }
    }

    /// Changes to `publish`: what stays gets its new settings and keeps its clients. Returns what is to be closed.
    pub fn change(&mut self, publish: &PublishConfig, change: Change) -> Doors {
        let Change { opened, room, http } = change;
        let mut closed = Doors::default();
        if opened.unix.is_some() || !publish.unix.enabled {
            closed.unix = std::mem::replace(&mut self.unix, opened.unix);
        }
        if opened.tcp.is_some() || !publish.tcp.enabled {
            closed.tcp = std::mem::replace(&mut self.tcp, opened.tcp);
        }
        if opened.http.is_some() || !publish.http.enabled {
            closed.http = std::mem::replace(&mut self.http, opened.http);
        }
        if let Some(places) = self.unix.as_ref().and_then(|door| door.places.as_ref()) {
            let clients = room.of(publish.unix.clients_max);
            places.set_limits(clients, clients);
        }
        if let Some(places) = self.tcp.as_ref().and_then(|door| door.places.as_ref()) {
            let clients = room.of(publish.tcp.clients_max);
            places.set_limits(clients, publish.tcp.clients_per_address_max);
        }
        if let (Some(door), Some(settings)) = (&self.http, http) {
            door.handle.change(settings, limits(&publish.http, room));
        }
        closed
    }

    /// Closes every server: its clients get what is left.
    pub fn close(self, hub: &Hub) {
        let Self { unix, tcp, http } = self;
        unix.into_iter().for_each(|door| door.close(hub));
        tcp.into_iter().for_each(|door| door.close(hub));
        http.into_iter().for_each(|door| door.close(hub));
    }

    /// The first failure of a server.
    pub fn failure(&self) -> Option<String> {
        let servers = [
            self.unix.as_ref().map(|door| &door.server),
            self.tcp.as_ref().map(|door| &door.server),
            self.http.as_ref().map(|door| &door.server),
        ];
        servers.into_iter().flatten().find_map(Server::failure)
    }
}

/// The share of the configured clients for which there are file handles.
#[derive(Debug, Clone, Copy)]
struct Room {
    configured: usize,
    allowed: usize,
}

impl Room {
    fn make(publish: &PublishConfig) -> Self {
        let configured = clients_max(publish);
        Self {
            configured,
            allowed: rlimit::allow(configured),
        }
    }

    /// As many of `clients` as there is room for.
    fn of(self, clients: usize) -> usize {
        let share = clients * self.allowed / self.configured.max(1);
        share.clamp(1, clients.max(1))
    }
}

/// Of all servers together.
fn clients_max(publish: &PublishConfig) -> usize {
    let (unix, tcp, http) = (&publish.unix, &publish.tcp, &publish.http);
    let servers = [
        (unix.enabled, unix.clients_max),
        (tcp.enabled, tcp.clients_max),
        (http.enabled, http.clients_max + http::REQUESTS_MAX),
    ];
    let open = servers.iter().filter(|(enabled, _)| *enabled);
    open.map(|(_, clients)| clients).sum()
}

fn limits(http: &HttpConfig, room: Room) -> http::Limits {
    http::Limits {
        clients: room.of(http.clients_max),
        clients_per_address: http.clients_per_address_max,
        requests: room.of(http::REQUESTS_MAX).max(REQUESTS_MIN),
    }
}

fn http_settings(http: &HttpConfig) -> Result<http::Settings, SinkError> {
    Ok(http::Settings {
        access: Arc::new(http.access()?),
        tls: http.tls()?.map(tls::acceptor).transpose()?,
    })
}

fn listen_error(address: SocketAddr, option: &'static str) -> impl Fn(io::Error) -> SinkError {
    move |source| SinkError::Listen {
        address,
        source,
        option,
    }
}

fn on_unix(
    unix: &UnixConfig,
    publish: &PublishConfig,
    inside: &Inside,
    room: Room,
) -> Result<Door<PathBuf, ()>, SinkError> {
    let address = unix.path();
    let capacity = publish.queue_messages;
    let (sink, subscriptions) = fanout("unix".into(), inside.hub.hello(), capacity);
    let clients = room.of(unix.clients_max);
    let places = Places::new("publish.unix", clients, clients);
    let control = inside.control.clone();
    let server = unix::start(&address, subscriptions, Arc::clone(&places), control);
    let server = server.map_err(|source| SinkError::Socket {
        path: address.clone(),
        source,
    })?;
    let sink = inside
        .hub
        .attach(sink, Delivery::DropOldest { capacity })
        .map_err(no_thread("the Unix socket"))?;
    announce(&format!("JSON lines on {}", address.display()));
    Ok(Door {
        address,
        server,
        sink,
        places: Some(places),
        handle: (),
    })
}

fn on_tcp(
    tcp: &TcpConfig,
    configured: SocketAddr,
    publish: &PublishConfig,
    inside: &Inside,
    room: Room,
) -> Result<Door<SocketAddr, ()>, SinkError> {
    let capacity = publish.queue_messages;
    let (sink, subscriptions) = fanout("tcp".into(), inside.hub.hello(), capacity);
    let clients = room.of(tcp.clients_max);
    let places = Places::new("publish.tcp", clients, tcp.clients_per_address_max);
    let (server, address) = tcp::start(configured, subscriptions, Arc::clone(&places))
        .map_err(listen_error(configured, "--tcp"))?;
    let sink = inside
        .hub
        .attach(sink, Delivery::DropOldest { capacity })
        .map_err(no_thread("TCP"))?;
    announce(&format!("JSON lines on tcp {address}"));
    Ok(Door {
        address: configured,
        server,
        sink,
        places: Some(places),
        handle: (),
    })
}

fn on_http(
    http: &HttpConfig,
    settings: http::Settings,
    publish: &PublishConfig,
    inside: &Inside,
    room: Room,
) -> Result<Door<SocketAddr, http::Handle>, SinkError> {
    let configured = settings.access.address();
    let capacity = publish.queue_messages;
    let scheme = match settings.tls {
        Some(_) => "https",
        None => "http",
    };
    let started = http::start(
        inside.hub,
        settings,
        limits(http, room),
        capacity,
        Box::new(Arc::clone(inside.collector)),
        inside.control.clone(),
    );
    let http::Started {
        server,
        address,
        sink,
        handle,
    } = started.map_err(listen_error(configured, "--http"))?;
    let sink = inside
        .hub
        .attach(sink, Delivery::DropOldest { capacity })
        .map_err(no_thread("HTTP"))?;
    announce(&format!("the page is at {scheme}://{address}/"));
    Ok(Door {
        address: configured,
        server,
        sink,
        places: None,
        handle,
    })
}

/// Prints where the daemon can be reached, unless only errors are logged.
fn announce(what: &str) {
    if tracing::enabled!(tracing::Level::WARN) {
        stderr::line(format_args!("vocald: {what}"));
    }
}
