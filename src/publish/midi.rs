//! MIDI, to a port of the system or to one of our own that others connect to.

use std::io;
use std::sync::Arc;

use midir::{MidiOutput, MidiOutputConnection};

use crate::audio::log_alsa_messages;
use crate::config::MidiConfig;
use crate::publish::hub::{Published, Sink};
use crate::publish::midi_messages::{Bytes, MidiMessages};

const CLIENT: &str = "vocald";
const PORT: &str = "voice";
/// The port's name that asks for one of our own.
const VIRTUAL: &str = "virtual";

/// There is no such port.
#[derive(Debug, thiserror::Error)]
pub enum MidiError {
    #[error(
        "MIDI is not to be had on this machine: on Linux it needs the ALSA sequencer, `modprobe snd-seq`"
    )]
    NoMidi,
    #[error("there is no MIDI port with `{wanted}` in its name, but {there_are}")]
    NoPort { wanted: String, there_are: String },
    #[error("MIDI port {port} cannot be opened: {reason}")]
    Refused { port: String, reason: String },
}

pub struct Midi {
    connection: MidiOutputConnection,
    messages: MidiMessages,
    /// Messages that the port did not take.
    lost: u64,
}

impl Midi {
    pub fn open(config: &MidiConfig) -> Result<Self, MidiError> {
        Ok(Self {
            connection: log_alsa_messages(|| connect(&config.port))?,
            messages: MidiMessages::new(config),
            lost: 0,
        })
    }

    fn send(&mut self, messages: &[Bytes]) {
        for message in messages {
            if let Err(error) = self.connection.send(message) {
                if self.lost == 0 {
                    tracing::warn!("MIDI is not taken: {error}; this is not said again");
                }
                self.lost += 1;
            }
        }
    }
}

impl Sink for Midi {
    fn name(&self) -> String {
        "MIDI".into()
    }

    /// Never an error: a port that takes nothing is logged.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        for message in messages {
            let messages = self.messages.of(&message.message);
            self.send(&messages);
        }
        Ok(())
    }
}

impl Drop for Midi {
    fn drop(&mut self) {
        let off = self.messages.all_off();
        self.send(&off);
        if self.lost > 0 {
            tracing::info!("MIDI: {} messages were not taken", self.lost);
        }
    }
}

fn connect(wanted: &str) -> Result<MidiOutputConnection, MidiError> {
    let output = MidiOutput::new(CLIENT).map_err(|_| MidiError::NoMidi)?;
    if wanted == VIRTUAL {
        return create_virtual(output);
    }
    let ports = output.ports();
    let named = |port| output.port_name(port).unwrap_or_default();
    let Some(port) = ports.iter().find(|port| named(port).contains(wanted)) else {
        let names: Vec<String> = ports.iter().map(named).collect();
        return Err(MidiError::NoPort {
            wanted: wanted.into(),
            there_are: match names.is_empty() {
                true => "none at all".into(),
                false => names.join(", "),
            },
        });
    };
    let name = named(port);
    output
        .connect(port, PORT)
        .map_err(|error| refused(&name, &error))
}

#[cfg(unix)]
fn create_virtual(output: MidiOutput) -> Result<MidiOutputConnection, MidiError> {
    use midir::os::unix::VirtualOutput as _;
    output
        .create_virtual(PORT)
        .map_err(|error| refused(VIRTUAL, &error))
}

#[cfg(not(unix))]
fn create_virtual(_: MidiOutput) -> Result<MidiOutputConnection, MidiError> {
    Err(refused(
        VIRTUAL,
        &"this system has no virtual ports; name one that is there",
    ))
}

fn refused(port: &str, reason: &dyn std::fmt::Display) -> MidiError {
    MidiError::Refused {
        port: port.into(),
        reason: reason.to_string(),
    }
}
