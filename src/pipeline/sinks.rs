//! Attaches the sinks of a configuration to the hub, and changes them while the run goes on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vocald_client::Subscription;

use crate::config::{Config, ConfigError, HookConfig, PublishConfig};
use crate::pipeline::doors::{self, Doors, Inside};
use crate::publish::command::Commands;
use crate::publish::hook::Hook;
use crate::publish::http::tls::TlsError;
use crate::publish::hub::SinkId;
use crate::publish::midi::Midi;
use crate::publish::mqtt::{Mqtt, MqttError};
use crate::publish::osc::Osc;
use crate::publish::stdout::Stdout;
use crate::publish::systemd::{Notifier, Systemd};
use crate::publish::{Delivery, Hub, obs, os2l};

/// A sink that ends or is replaced has this long to deliver what it still has.
const PATIENCE: Duration = Duration::from_secs(2);

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

pub(super) fn no_thread(what: &'static str) -> impl Fn(io::Error) -> SinkError {
    move |source| SinkError::Thread { what, source }
}

/// The sinks of the run.
pub(super) struct Sinks {
    doors: Doors,
    osc: Option<SinkId>,
    commands: Option<SinkId>,
    midi: Option<SinkId>,
    mqtt: Option<SinkId>,
    os2l: Option<SinkId>,
    obs: Option<SinkId>,
    hooks: Vec<(HookConfig, Option<String>, SinkId)>,
    stdout: SinkId,
}

/// What a change needs that may fail; nothing has changed yet.
pub(super) struct Change {
    doors: doors::Change,
    /// Each with its token.
    hooks: Vec<(HookConfig, Option<String>)>,
}

impl Sinks {
    /// Starts every sink. `paced_by_sinks`: every source can wait for whoever reads standard output.
    pub fn attach(
        config: &Config,
        inside: &Inside,
        paced_by_sinks: bool,
    ) -> Result<Self, SinkError> {
        let (publish, hub) = (&config.publish, inside.hub);
        let mut doors = Doors::default();
        let change = doors.prepare(publish, inside)?;
        doors.change(publish, change);
        let mut hooks = Vec::new();
        let (osc, commands) = (osc(publish, hub)?, commands(publish, hub)?);
        for (hook, token) in with_tokens(&config.hook)? {
            hooks.push(attach_hook(hook, token, hub)?);
        }
        Ok(Self {
            doors,
            osc,
            commands,
            hooks,
            midi: midi(publish, hub)?,
            mqtt: mqtt(publish, hub)?,
            os2l: lights(publish, hub)?,
            obs: obs(publish, hub)?,
            stdout: stdout(publish, hub, paced_by_sinks)?,
        })
    }

    /// Opens and checks what a change to `new` needs.
    pub fn prepare(&self, new: &Config, inside: &Inside) -> Result<Change, SinkError> {
        let hooks = with_tokens(&new.hook)?;
        if new.publish.mqtt.is_on() {
            Mqtt::check(&new.publish.mqtt)?;
        }
        new.publish.obs.password()?;
        Ok(Change {
            hooks,
            doors: self.doors.prepare(&new.publish, inside)?,
        })
    }

    /// Changes from `old` to `new`. What is the same keeps its clients and its state. Returns the servers to close,
    /// after the reply to whoever made the change through one of them.
    pub fn change(
        &mut self,
        (old, new): (&PublishConfig, &PublishConfig),
        change: Change,
        hub: &Hub,
    ) -> Result<Doors, SinkError> {
        match self.change_senders((old, new), change.hooks, hub) {
            Ok(()) => Ok(self.doors.change(new, change.doors)),
            Err(error) => {
                change.doors.give_up(hub);
                Err(error)
            }
        }
    }

    /// The sinks that are no servers.
    fn change_senders(
        &mut self,
        (old, new): (&PublishConfig, &PublishConfig),
        hooks: Vec<(HookConfig, Option<String>)>,
        hub: &Hub,
    ) -> Result<(), SinkError> {
        let detach = |sink: &mut Option<SinkId>| {
            sink.take()
                .into_iter()
                .for_each(|id| hub.detach(id, PATIENCE));
        };
        if old.osc != new.osc {
            detach(&mut self.osc);
            self.osc = osc(new, hub)?;
        }
        if old.command != new.command {
            detach(&mut self.commands);
            self.commands = commands(new, hub)?;
        }
        if old.midi != new.midi {
            detach(&mut self.midi);
            self.midi = midi(new, hub)?;
        }
        if old.mqtt != new.mqtt {
            detach(&mut self.mqtt);
            self.mqtt = mqtt(new, hub)?;
        }
        if old.os2l != new.os2l {
            detach(&mut self.os2l);
            self.os2l = lights(new, hub)?;
        }
        if old.obs != new.obs {
            detach(&mut self.obs);
            self.obs = obs(new, hub)?;
        }
        let mut before = std::mem::take(&mut self.hooks);
        for (hook, token) in hooks {
            let same = |(config, secret, _): &(HookConfig, Option<String>, SinkId)| {
                (config, secret) == (&hook, &token)
            };
            let kept = before.iter().position(same).map(|at| before.remove(at));
            self.hooks.push(match kept {
                Some(kept) => kept,
                None => attach_hook(hook, token, hub)?,
            });
        }
        before.iter().for_each(|(.., id)| hub.detach(*id, PATIENCE));
        if (old.levels, &old.only) != (new.levels, &new.only) {
            hub.resubscribe(self.stdout, printed(new));
        }
        Ok(())
    }

    /// The first failure of a server.
    pub fn failure(&self) -> Option<String> {
        self.doors.failure()
    }

    /// Gives clients a moment to take what waits for them, after the hub has delivered its last message.
    pub fn finish(self, hub: &Hub) {
        self.doors.close(hub);
    }
}

fn stdout(publish: &PublishConfig, hub: &Hub, paced_by_sinks: bool) -> Result<SinkId, SinkError> {
    let capacity = publish.queue_messages;
    // Where every source can wait, a slow reader delays it. A device cannot wait, so messages are dropped instead.
    let delivery = match paced_by_sinks {
        true => Delivery::Lossless { capacity },
        false => Delivery::DropOldest { capacity },
    };
    hub.subscribe(Stdout::default(), delivery, printed(publish))
        .map_err(no_thread("standard output"))
}

/// What standard output gets.
fn printed(publish: &PublishConfig) -> Subscription {
    match (publish.only.is_empty(), publish.levels) {
        (false, _) => Subscription::default().with_types(publish.only.clone()),
        (true, true) => Subscription::everything(),
        (true, false) => Subscription::default(),
    }
}

fn osc(publish: &PublishConfig, hub: &Hub) -> Result<Option<SinkId>, SinkError> {
    if publish.osc.targets.is_empty() {
        return Ok(None);
    }
    let attached = hub.attach(Osc::open(&publish.osc), drop_oldest(publish));
    attached.map(Some).map_err(no_thread("OSC"))
}

fn commands(publish: &PublishConfig, hub: &Hub) -> Result<Option<SinkId>, SinkError> {
    if !publish.command.is_on() {
        return Ok(None);
    }
    let started = Commands::start(&publish.command);
    let attached = started.and_then(|sink| hub.attach(sink, drop_oldest(publish)));
    attached.map(Some).map_err(no_thread("commands"))
}

fn midi(publish: &PublishConfig, hub: &Hub) -> Result<Option<SinkId>, SinkError> {
    if publish.midi.port.is_empty() {
        return Ok(None);
    }
    let attached = hub.attach(Midi::start(&publish.midi), drop_oldest(publish));
    attached.map(Some).map_err(no_thread("MIDI"))
}

fn mqtt(publish: &PublishConfig, hub: &Hub) -> Result<Option<SinkId>, SinkError> {
    if !publish.mqtt.is_on() {
        return Ok(None);
    }
    let sink = Mqtt::start(&publish.mqtt, publish.queue_messages)?;
    let attached = hub.attach(sink, drop_oldest(publish));
    attached.map(Some).map_err(no_thread("MQTT"))
}

fn lights(publish: &PublishConfig, hub: &Hub) -> Result<Option<SinkId>, SinkError> {
    if !publish.os2l.is_on() {
        return Ok(None);
    }
    let started = os2l::start(&publish.os2l);
    let attached = started.and_then(|sink| hub.attach(sink, drop_oldest(publish)));
    attached.map(Some).map_err(no_thread("OS2L"))
}

fn obs(publish: &PublishConfig, hub: &Hub) -> Result<Option<SinkId>, SinkError> {
    if !publish.obs.is_on() {
        return Ok(None);
    }
    let started = obs::start(&publish.obs, publish.obs.password()?);
    let attached = started.and_then(|sink| hub.attach(sink, drop_oldest(publish)));
    attached.map(Some).map_err(no_thread("OBS"))
}

fn with_tokens(hooks: &[HookConfig]) -> Result<Vec<(HookConfig, Option<String>)>, SinkError> {
    let with_token = |hook: &HookConfig| Ok((hook.clone(), hook.token()?));
    hooks.iter().map(with_token).collect()
}

fn attach_hook(
    hook: HookConfig,
    token: Option<String>,
    hub: &Hub,
) -> Result<(HookConfig, Option<String>, SinkId), SinkError> {
    let capacity = hook.queue_messages;
    let sink = Hook::new(&hook, token.as_deref());
    let id = hub
        .subscribe(sink, Delivery::DropOldest { capacity }, hook.subscription())
        .map_err(no_thread("a hook"))?;
    Ok((hook, token, id))
}

/// Notifies the service manager, where there is one.
pub(super) fn systemd(
    publish: &PublishConfig,
    hub: &Hub,
    notifier: &Arc<Notifier>,
) -> Result<(), SinkError> {
    if notifier.is_on() {
        let sink = Systemd::new(Arc::clone(notifier));
        hub.attach(sink, drop_oldest(publish))
            .map_err(no_thread("systemd"))?;
    }
    Ok(())
}

/// For flags: the newest matters, and nobody waits for a receiver.
fn drop_oldest(publish: &PublishConfig) -> Delivery {
    Delivery::DropOldest {
        capacity: publish.queue_messages,
    }
}
