//! Attaches the sinks of a configuration to the hub, one function a sink.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Config, ConfigError, HttpConfig, PublishConfig, TcpConfig, UnixConfig};
use crate::pipeline::collector::Collector;
use crate::publish::command::Commands;
use crate::publish::fanout::fanout;
use crate::publish::hook::Hook;
use crate::publish::http::tls::TlsError;
use crate::publish::lines::{tcp, unix};
use crate::publish::midi::Midi;
use crate::publish::mqtt::{Mqtt, MqttError};
use crate::publish::osc::Osc;
use crate::publish::rlimit;
use crate::publish::server::Server;
use crate::publish::stdout::Stdout;
use crate::publish::systemd::{Notifier, Systemd};
use crate::publish::{Delivery, Hub, http};
use vocald_client::Subscription;

/// Why a sink cannot be attached.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Its settings are impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system gives no thread.
    #[error("no thread for {what}: {source}")]
    Thread {
        /// The sink.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The Unix socket cannot be opened.
    #[error("{}: no socket can be opened there: {source}", path.display())]
    Socket {
        /// Path of the socket.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address with {option}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
        /// The option that chooses another.
        option: &'static str,
    },
    /// The certificate of HTTP cannot be used.
    #[error("TLS of HTTP: {0}")]
    Tls(#[from] TlsError),
    /// MQTT cannot start.
    #[error(transparent)]
    Mqtt(#[from] MqttError),
}

fn no_thread(what: &'static str) -> impl Fn(io::Error) -> SinkError {
    move |source| SinkError::Thread { what, source }
}

fn listen_error(address: SocketAddr, option: &'static str) -> impl Fn(io::Error) -> SinkError {
    move |source| SinkError::Listen {
        address,
        source,
        option,
    }
}

/// Connections for single requests, however few file handles there are.
const REQUESTS_MIN: usize = 8;

/// Servers that end after the hub has delivered its last message.
#[derive(Default)]
pub struct Sinks {
    servers: Vec<Server>,
}

impl Sinks {
    /// The first failure of a server.
    pub fn failure(&self) -> Option<String> {
        self.servers.iter().find_map(Server::failure)
    }

    /// Gives clients a moment to take what waits for them.
    pub fn finish(self) {
        for server in self.servers {
            server.finish();
        }
    }
}

/// Starts every sink. `paced_by_sinks`: every source can wait for whoever reads standard output.
pub fn attach(
    config: &Config,
    hub: &Arc<Hub>,
    collector: &Arc<Collector>,
    paced_by_sinks: bool,
) -> Result<Sinks, SinkError> {
    let publish = &config.publish;
    let mut sinks = Sinks::default();
    let room = Room::make(publish);
    if publish.unix.enabled {
        sinks
            .servers
            .push(on_unix(&publish.unix, publish, hub, room)?);
    }
    if publish.tcp.enabled {
        sinks
            .servers
            .push(on_tcp(&publish.tcp, publish, hub, room)?);
    }
    if publish.http.enabled {
        sinks
            .servers
            .push(on_http(&publish.http, publish, hub, collector, room)?);
    }
    osc(config, hub)?;
    commands(config, hub)?;
    hooks(config, hub)?;
    midi(config, hub)?;
    mqtt(config, hub)?;
    stdout(publish, hub, paced_by_sinks)?;
    Ok(sinks)
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

fn stdout(publish: &PublishConfig, hub: &Hub, paced_by_sinks: bool) -> Result<(), SinkError> {
    let capacity = publish.queue_messages;
    // Where every source can wait, a slow reader delays it. A device cannot wait, so messages are dropped instead.
    let delivery = match paced_by_sinks {
        true => Delivery::Lossless { capacity },
        false => Delivery::DropOldest { capacity },
    };
    let subscription = match (publish.only.is_empty(), publish.levels) {
        (false, _) => Subscription::default().with_types(publish.only.clone()),
        (true, true) => Subscription::everything(),
        (true, false) => Subscription::default(),
    };
    hub.subscribe(Stdout::default(), delivery, subscription)
        .map_err(no_thread("standard output"))
}

fn on_unix(
    unix: &UnixConfig,
    publish: &PublishConfig,
    hub: &Hub,
    room: Room,
) -> Result<Server, SinkError> {
    let path = unix.path();
    let capacity = publish.queue_messages;
    let (sink, subscriptions) = fanout("unix".into(), hub.hello(), capacity);
    let server =
        unix::start(&path, subscriptions, room.of(unix.clients_max)).map_err(|source| {
            SinkError::Socket {
                path: path.clone(),
                source,
            }
        })?;
    hub.attach(sink, Delivery::DropOldest { capacity })
        .map_err(no_thread("the Unix socket"))?;
    announce(&format!("JSON lines on {}", path.display()));
    Ok(server)
}

fn on_tcp(
    tcp: &TcpConfig,
    publish: &PublishConfig,
    hub: &Hub,
    room: Room,
) -> Result<Server, SinkError> {
    let address = tcp.address()?;
    let capacity = publish.queue_messages;
    let (sink, subscriptions) = fanout("tcp".into(), hub.hello(), capacity);
    let (server, address) = tcp::start(
        address,
        subscriptions,
        room.of(tcp.clients_max),
        tcp.clients_per_address_max,
    )
    .map_err(listen_error(address, "--tcp"))?;
    hub.attach(sink, Delivery::DropOldest { capacity })
        .map_err(no_thread("TCP"))?;
    announce(&format!("JSON lines on tcp {address}"));
    Ok(server)
}

fn on_http(
    http: &HttpConfig,
    publish: &PublishConfig,
    hub: &Hub,
    collector: &Arc<Collector>,
    room: Room,
) -> Result<Server, SinkError> {
    let access = http.access()?;
    let address = access.address();
    let capacity = publish.queue_messages;
    let tls = http.tls()?.map(http::tls::acceptor).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let limits = http::Limits {
        clients: room.of(http.clients_max),
        clients_per_address: http.clients_per_address_max,
        requests: room.of(http::REQUESTS_MAX).max(REQUESTS_MIN),
    };
    let started = http::start(
        hub,
        access,
        tls,
        limits,
        capacity,
        Box::new(Arc::clone(collector)),
    );
    let (server, address, sink) = started.map_err(listen_error(address, "--http"))?;
    hub.attach(sink, Delivery::DropOldest { capacity })
        .map_err(no_thread("HTTP"))?;
    announce(&format!("the page is at {scheme}://{address}/"));
    Ok(server)
}

fn osc(config: &Config, hub: &Hub) -> Result<(), SinkError> {
    if config.publish.osc.targets.is_empty() {
        return Ok(());
    }
    hub.attach(Osc::open(&config.publish.osc), drop_oldest(config))
        .map_err(no_thread("OSC"))
}

fn commands(config: &Config, hub: &Hub) -> Result<(), SinkError> {
    let command = &config.publish.command;
    if !command.is_on() {
        return Ok(());
    }
    Commands::start(command)
        .and_then(|sink| hub.attach(sink, drop_oldest(config)))
        .map_err(no_thread("commands"))
}

fn hooks(config: &Config, hub: &Hub) -> Result<(), SinkError> {
    for hook in &config.hook {
        let capacity = hook.queue_messages;
        let sink = Hook::new(hook, hook.token()?.as_deref());
        hub.subscribe(sink, Delivery::DropOldest { capacity }, hook.subscription())
            .map_err(no_thread("a hook"))?;
    }
    Ok(())
}

fn midi(config: &Config, hub: &Hub) -> Result<(), SinkError> {
    if config.publish.midi.port.is_empty() {
        return Ok(());
    }
    hub.attach(Midi::start(&config.publish.midi), drop_oldest(config))
        .map_err(no_thread("MIDI"))
}

fn mqtt(config: &Config, hub: &Hub) -> Result<(), SinkError> {
    let publish = &config.publish;
    if !publish.mqtt.is_on() {
        return Ok(());
    }
    hub.attach(
        Mqtt::start(&publish.mqtt, publish.queue_messages)?,
        drop_oldest(config),
    )
    .map_err(no_thread("MQTT"))
}

/// Notifies the service manager, where there is one.
pub fn systemd(config: &Config, hub: &Hub, notifier: &Arc<Notifier>) -> Result<(), SinkError> {
    if !notifier.is_on() {
        return Ok(());
    }
    hub.attach(Systemd::new(Arc::clone(notifier)), drop_oldest(config))
        .map_err(no_thread("systemd"))
}

/// For flags: the newest matters, and nobody waits for a receiver.
fn drop_oldest(config: &Config) -> Delivery {
    Delivery::DropOldest {
        capacity: config.publish.queue_messages,
    }
}

/// Prints where the daemon can be reached, unless only errors are logged.
fn announce(what: &str) {
    if tracing::enabled!(tracing::Level::WARN) {
        eprintln!("vocald: {what}");
    }
}
