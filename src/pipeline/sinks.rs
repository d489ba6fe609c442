//! Who gets the messages: standard output, and every sink that the configuration asks for.
//! A function a sink, each called by [`attach`].

use std::sync::Arc;

use anyhow::{Context as _, anyhow};

use crate::config::{Config, HttpConfig, PublishConfig, TcpConfig, UnixConfig};
use crate::pipeline::collector::Collector;
use crate::publish::command::Commands;
use crate::publish::fanout::fanout;
use crate::publish::lines::{tcp, unix};
use crate::publish::midi::Midi;
use crate::publish::mqtt::Mqtt;
use crate::publish::osc::Osc;
use crate::publish::rlimit;
use crate::publish::server::Server;
use crate::publish::stdout::Stdout;
use crate::publish::systemd::{Notifier, Systemd};
use crate::publish::{Delivery, Hub, http};
use vocald_client::Subscription;

/// What is to be ended after the hub has delivered its last message.
#[derive(Default)]
pub struct Sinks {
    servers: Vec<Server>,
}

impl Sinks {
    /// Lets clients take what waits for them, for a moment.
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
    probes: &Arc<Collector>,
    paced_by_sinks: bool,
) -> anyhow::Result<Sinks> {
    let publish = &config.publish;
    let mut sinks = Sinks::default();
    rlimit::allow(clients_max(publish));
    if publish.unix.enabled {
        sinks.servers.push(on_unix(&publish.unix, publish, hub)?);
    }
    if publish.tcp.enabled {
        sinks.servers.push(on_tcp(&publish.tcp, publish, hub)?);
    }
    if publish.http.enabled {
        sinks
            .servers
            .push(on_http(&publish.http, publish, hub, probes)?);
    }
    osc(config, hub)?;
    commands(config, hub)?;
    midi(config, hub)?;
    mqtt(config, hub)?;
    stdout(publish, hub, paced_by_sinks)?;
    Ok(sinks)
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

fn stdout(publish: &PublishConfig, hub: &Hub, paced_by_sinks: bool) -> anyhow::Result<()> {
    let capacity = publish.queue_messages;
    // Where every source can wait, whoever reads the messages may take their time. But a
    // device does not wait, and must not suffer for them.
    let delivery = match paced_by_sinks {
        true => Delivery::Lossless { capacity },
        false => Delivery::DropOldest { capacity },
    };
    let wanted = match (publish.only.is_empty(), publish.levels) {
        (false, _) => Subscription::default().with_types(publish.only.clone()),
        (true, true) => Subscription::everything(),
        (true, false) => Subscription::default(),
    };
    hub.subscribe(Stdout::default(), delivery, wanted)
        .context("no thread for standard output")
}

fn on_unix(unix: &UnixConfig, publish: &PublishConfig, hub: &Hub) -> anyhow::Result<Server> {
    let path = unix.path();
    let capacity = publish.queue_messages;
    let (sink, subscriptions) = fanout("unix".into(), hub.hello(), capacity);
    let server = unix::start(&path, subscriptions, unix.clients_max)
        .map_err(|e| anyhow!("{}: no socket can be opened there: {e}", path.display()))?;
    hub.attach(sink, Delivery::DropOldest { capacity })
        .context("no thread for the Unix socket")?;
    tell(&format!("JSON lines on {}", path.display()));
    Ok(server)
}

fn on_tcp(tcp: &TcpConfig, publish: &PublishConfig, hub: &Hub) -> anyhow::Result<Server> {
    let asked = tcp.address()?;
    let capacity = publish.queue_messages;
    let (sink, subscriptions) = fanout("tcp".into(), hub.hello(), capacity);
    let (server, address) = tcp::start(asked, subscriptions, tcp.clients_max)
        .map_err(|e| anyhow!("{asked} cannot be listened on: {e}; choose another with --tcp"))?;
    hub.attach(sink, Delivery::DropOldest { capacity })
        .context("no thread for TCP")?;
    tell(&format!("JSON lines on tcp {address}"));
    Ok(server)
}

fn on_http(
    http: &HttpConfig,
    publish: &PublishConfig,
    hub: &Hub,
    probes: &Arc<Collector>,
) -> anyhow::Result<Server> {
    let access = http.access()?;
    let asked = access.address();
    let capacity = publish.queue_messages;
    let started = http::start(
        hub,
        access,
        http.clients_max,
        capacity,
        Box::new(Arc::clone(probes)),
    );
    let (server, address, sink) = started
        .map_err(|e| anyhow!("{asked} cannot be listened on: {e}; choose another with --http="))?;
    hub.attach(sink, Delivery::DropOldest { capacity })
        .context("no thread for HTTP")?;
    tell(&format!("the page is at http://{address}/"));
    Ok(server)
}

fn osc(config: &Config, hub: &Hub) -> anyhow::Result<()> {
    if config.publish.osc.targets.is_empty() {
        return Ok(());
    }
    hub.attach(Osc::open(&config.publish.osc)?, drop_oldest(config))
        .context("no thread for OSC")
}

fn commands(config: &Config, hub: &Hub) -> anyhow::Result<()> {
    let command = &config.publish.command;
    if !command.is_on() {
        return Ok(());
    }
    Commands::start(command)
        .and_then(|sink| hub.attach(sink, drop_oldest(config)))
        .context("no thread for commands")
}

fn midi(config: &Config, hub: &Hub) -> anyhow::Result<()> {
    if config.publish.midi.port.is_empty() {
        return Ok(());
    }
    hub.attach(Midi::open(&config.publish.midi)?, drop_oldest(config))
        .context("no thread for MIDI")
}

fn mqtt(config: &Config, hub: &Hub) -> anyhow::Result<()> {
    let publish = &config.publish;
    if !publish.mqtt.is_on() {
        return Ok(());
    }
    hub.attach(
        Mqtt::start(&publish.mqtt, publish.queue_messages)?,
        drop_oldest(config),
    )
    .context("no thread for MQTT")
}

/// Tells the service manager, where there is one.
pub fn systemd(config: &Config, hub: &Hub, notifier: &Arc<Notifier>) -> anyhow::Result<()> {
    if !notifier.is_on() {
        return Ok(());
    }
    hub.attach(Systemd::new(Arc::clone(notifier)), drop_oldest(config))
        .context("no thread for systemd")
}

/// For flags: the newest matters, and nobody waits for a receiver.
fn drop_oldest(config: &Config) -> Delivery {
    Delivery::DropOldest {
        capacity: config.publish.queue_messages,
    }
}

/// For whoever started the program, unless they want errors only.
fn tell(what: &str) {
    if tracing::enabled!(tracing::Level::WARN) {
        eprintln!("vocald: {what}");
    }
}
