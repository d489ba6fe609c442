//! Who gets the messages: standard output, and every sink that the configuration asks for.
//! A function a sink, each called by [`attach`].

use std::sync::Arc;

use anyhow::Context as _;

use crate::config::Config;
use crate::publish::command::Commands;
use crate::publish::midi::Midi;
use crate::publish::osc::Osc;
use crate::publish::stdout::Stdout;
use crate::publish::systemd::{Notifier, Systemd};
use crate::publish::{Delivery, Hub};

/// Starts every sink. `paced_by_sinks`: every source can wait for whoever reads standard output.
pub fn attach(config: &Config, hub: &Hub, paced_by_sinks: bool) -> anyhow::Result<()> {
    stdout(config, hub, paced_by_sinks)?;
    osc(config, hub)?;
    commands(config, hub)?;
    midi(config, hub)
}

fn stdout(config: &Config, hub: &Hub, paced_by_sinks: bool) -> anyhow::Result<()> {
    let capacity = config.publish.queue_messages;
    // Where every source can wait, whoever reads the messages may take their time. But a
    // device does not wait, and must not suffer for them.
    let delivery = match paced_by_sinks {
        true => Delivery::Lossless { capacity },
        false => Delivery::DropOldest { capacity },
    };
    hub.attach(Stdout::new(config.publish.only.clone()), delivery)
        .context("no thread for standard output")
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
