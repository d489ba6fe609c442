//! The MIDI sink: writes to an existing output port, or to a virtual one that others connect to.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use midir::{MidiOutput, MidiOutputConnection};
use vocald_client::message::SinkState;

use crate::audio::log_alsa_messages;
use crate::config::MidiConfig;
use crate::publish::hub::{Published, Sink};
use crate::publish::midi_messages::{Bytes, MidiMessages};

const CLIENT: &str = "vocald";
const PORT: &str = "voice";
/// The configured name that creates a port.
const VIRTUAL: &str = "virtual";

/// A MIDI port that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum MidiError {
    /// The system has no MIDI.
    #[error(
        "MIDI is unavailable on this machine: on Linux it needs the ALSA sequencer, `modprobe snd-seq`"
    )]
    NoMidi,
    /// No port has this name.
    #[error("there is no MIDI port with `{name}` in its name, but {ports}")]
    NoPort {
        /// As configured.
        name: String,
        /// The ports there are.
        ports: String,
    },
    /// The port exists, but the system does not open it.
    #[error("MIDI port {port} cannot be opened: {reason}")]
    Refused {
        /// Name of the port.
        port: String,
        /// As the system reports it.
        reason: String,
    },
}

/// Time between attempts to open a port that is not there.
const RETRY: Duration = Duration::from_secs(2);

/// The sink. A port that is not there yet is waited for.
pub struct Midi {
    port: String,
    connection: Option<MidiOutputConnection>,
    /// Why there is none.
    problem: Option<String>,
    /// The last attempt to open it.
    tried: Instant,
    messages: MidiMessages,
    /// MIDI messages that the port refused.
    lost: u64,
}

impl Midi {
    /// Opens the port. What is wrong is logged, and the port tried again with later messages.
    pub fn start(config: &MidiConfig) -> Self {
        let mut midi = Self {
            port: config.port.clone(),
            connection: None,
            problem: None,
            tried: Instant::now(),
            messages: MidiMessages::new(config),
            lost: 0,
        };
        if let Err(error) = midi.open() {
            tracing::warn!("{error}; it is waited for");
        }
        midi
    }

    /// Whether the port is open.
    pub fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    fn open(&mut self) -> Result<(), MidiError> {
        self.tried = Instant::now();
        let opened = log_alsa_messages(|| connect(&self.port));
        self.problem = opened.as_ref().err().map(ToString::to_string);
        self.connection = Some(opened?);
        Ok(())
    }

    fn send(&mut self, messages: &[Bytes]) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        for message in messages {
            if let Err(error) = connection.send(message) {
                if self.lost == 0 {
                    tracing::warn!(
                        "a MIDI message is refused: {error}; further ones are only counted"
                    );
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

    /// Never an error: a port that refuses messages is logged.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        if !self.is_open() && self.tried.elapsed() >= RETRY && self.open().is_ok() {
            tracing::info!("the MIDI port {} is open", self.port);
            let present = self.messages.present();
            self.send(&present);
        }
        for message in messages {
            let messages = self.messages.of(&message.message);
            self.send(&messages);
        }
        Ok(())
    }

    fn state(&self) -> (SinkState, Option<String>) {
        match &self.problem {
            Some(problem) => (SinkState::Waiting, Some(problem.clone())),
            None => (SinkState::Running, None),
        }
    }
}

impl Drop for Midi {
    fn drop(&mut self) {
        let off = self.messages.all_off();
        self.send(&off);
        if self.lost > 0 {
            tracing::info!("MIDI: {} messages were refused", self.lost);
        }
    }
}

fn connect(name: &str) -> Result<MidiOutputConnection, MidiError> {
    let output = MidiOutput::new(CLIENT).map_err(|_| MidiError::NoMidi)?;
    if name == VIRTUAL {
        return create_virtual(output);
    }
    let ports = output.ports();
    let name_of = |port| output.port_name(port).unwrap_or_default();
    let Some(port) = ports.iter().find(|port| name_of(port).contains(name)) else {
        let names: Vec<String> = ports.iter().map(name_of).collect();
        return Err(MidiError::NoPort {
            name: name.into(),
            ports: match names.is_empty() {
                true => "there are none".into(),
                false => names.join(", "),
            },
        });
    };
    let name = name_of(port);
    output
        .connect(port, PORT)
        .map_err(|error| refused(&name, &error))
}

fn create_virtual(output: MidiOutput) -> Result<MidiOutputConnection, MidiError> {
    use midir::os::unix::VirtualOutput as _;
    output
        .create_virtual(PORT)
        .map_err(|error| refused(VIRTUAL, &error))
}

fn refused(port: &str, reason: &dyn std::fmt::Display) -> MidiError {
    MidiError::Refused {
        port: port.into(),
        reason: reason.to_string(),
    }
}
