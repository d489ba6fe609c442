//! The OSC sink: messages of one argument over UDP, one per datagram.
//!
//! Addresses below `PREFIX/STREAM`: `/voice i` (1 or 0), `/p f`, `/onset f` and `/offset f` (the `t` of the event,
//! seconds) and `/state s`. STREAM is the stream's name as part of an address ([`vocald_client::stream_names`]).

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::Arc;

use rosc::{OscMessage, OscPacket, OscType};
use vocald_client::Message;
use vocald_client::message::StreamState;
use vocald_client::stream_names::StreamNames;

use crate::config::OscConfig;
use crate::publish::hub::{Published, Sink};
use crate::publish::rate_limit::RateLimit;

/// A receiver whose address cannot be found.
#[derive(Debug, thiserror::Error)]
#[error("OSC receiver {target}: {reason}; write its address in numbers, or fix the name")]
pub struct OscError {
    target: String,
    reason: String,
}

/// The sink and its receivers.
pub struct Osc {
    targets: Vec<Target>,
    prefix: String,
    p_rate_hz: f64,
    repeat_voice_s: f64,
    addresses: StreamNames,
    streams: BTreeMap<String, StreamFlags>,
}

struct StreamFlags {
    peaks: Option<RateLimit>,
    voice: bool,
    /// Stream time at which a decision last sent the flag.
    voice_sent_s: f64,
}

impl Osc {
    /// Resolves the receivers' names. No receiver need be running.
    ///
    /// # Errors
    ///
    /// If a name has no address.
    pub fn open(config: &OscConfig) -> Result<Self, OscError> {
        Ok(Self {
            targets: config
                .targets
                .iter()
                .map(|target| Target::find(target))
                .collect::<Result<_, _>>()?,
            prefix: config.prefix.clone(),
            p_rate_hz: config.p_rate_hz,
            repeat_voice_s: config.repeat_voice_s,
            addresses: StreamNames::default(),
            streams: BTreeMap::new(),
        })
    }

    fn publish(&mut self, message: &Message) {
        match message {
            Message::Hello(hello) => {
                for status in &hello.streams {
                    self.send_state(&status.stream, status.state);
                    self.send_voice(&status.stream, status.onset.is_some());
                }
            }
            Message::State(state) => self.send_state(&state.stream, state.state),
            Message::Decision(decision) => {
                let repeat_s = self.repeat_voice_s;
                let flags = self.flags(&decision.stream);
                let p = flags
                    .peaks
                    .as_mut()
                    .and_then(|peaks| peaks.push(decision.t, decision.p));
                let again = repeat_s > 0.0 && decision.t - flags.voice_sent_s >= repeat_s;
                // If the flag differs, its event was lost in a full queue.
                if again || flags.voice != decision.voice {
                    flags.voice_sent_s = decision.t;
                    self.send_voice(&decision.stream, decision.voice);
                }
                if let Some(p) = p {
                    self.send(&decision.stream, "p", OscType::Float(p));
                }
            }
            // The decision of the same moment has usually sent the flag already.
            Message::Onset(onset) => {
                self.change_voice(&onset.stream, true);
                self.send(&onset.stream, "onset", OscType::Float(onset.t as f32));
            }
            Message::Offset(offset) => {
                self.change_voice(&offset.stream, false);
                self.send(&offset.stream, "offset", OscType::Float(offset.t as f32));
            }
            Message::Gap(_) | Message::Level(_) | Message::Lagged(_) | Message::Refused(_) => {}
        }
    }

    fn send_state(&mut self, stream: &str, state: StreamState) {
        self.send(stream, "state", OscType::String(state.word().into()));
    }

    fn send_voice(&mut self, stream: &str, voice: bool) {
        self.flags(stream).voice = voice;
        self.send(stream, "voice", OscType::Int(voice.into()));
    }

    fn change_voice(&mut self, stream: &str, voice: bool) {
        if self.flags(stream).voice != voice {
            self.send_voice(stream, voice);
        }
    }

    fn flags(&mut self, stream: &str) -> &mut StreamFlags {
        let p_rate_hz = self.p_rate_hz;
        self.streams
            .entry(stream.into())
            .or_insert_with(|| StreamFlags {
                peaks: RateLimit::new(p_rate_hz),
                voice: false,
                voice_sent_s: f64::NEG_INFINITY,
            })
    }

    fn send(&mut self, stream: &str, what: &str, value: OscType) {
        let packet = OscPacket::Message(OscMessage {
            addr: format!("{}/{}/{what}", self.prefix, self.addresses.of(stream)),
            args: vec![value],
        });
        // Only a length beyond 4 GB is an error.
        if let Ok(datagram) = rosc::encoder::encode(&packet) {
            for target in &mut self.targets {
                target.send(&datagram);
            }
        }
    }
}

impl Sink for Osc {
    fn name(&self) -> String {
        "OSC".into()
    }

    /// Never an error: a receiver that is not running does not stop the others.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        messages.iter().for_each(|m| self.publish(&m.message));
        Ok(())
    }
}

struct Target {
    name: String,
    address: SocketAddr,
    /// Connected, so that it reports refusals (ICMP). `None` until it can be opened.
    socket: Option<UdpSocket>,
    /// Datagrams that certainly did not arrive.
    lost: u64,
}

impl Target {
    fn find(target: &str) -> Result<Self, OscError> {
        let error = |reason: String| OscError {
            target: target.into(),
            reason,
        };
        let mut found = target.to_socket_addrs().map_err(|e| error(e.to_string()))?;
        Ok(Self {
            name: target.into(),
            address: found.next().ok_or_else(|| error("no address".into()))?,
            socket: None,
            lost: 0,
        })
    }

    fn send(&mut self, datagram: &[u8]) {
        let sent = match self.try_send(datagram) {
            // The refusal is of an earlier datagram; this one has not been sent.
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                self.count_lost(&e);
                self.try_send(datagram)
            }
            sent => sent,
        };
        if let Err(error) = sent {
            self.count_lost(&error);
            // The network may have changed; a new socket uses the new route.
            if error.kind() != io::ErrorKind::WouldBlock {
                self.socket = None;
            }
        }
    }

    fn try_send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open(self.address)?,
        };
        let sent = socket.send(datagram);
        self.socket = Some(socket);
        sent.map(drop)
    }

    fn count_lost(&mut self, error: &io::Error) {
        if self.lost == 0 {
            tracing::warn!(
                "OSC to {} does not arrive: {error}; retrying, further errors are only counted",
                self.name
            );
        }
        self.lost += 1;
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.lost > 0 {
            tracing::info!(
                "OSC to {}: {} messages did not arrive",
                self.name,
                self.lost
            );
        }
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_broadcast(true)?;
    // A full send buffer loses a datagram rather than delaying the other receivers.
    socket.set_nonblocking(true)?;
    socket.connect(address)?;
    Ok(socket)
}
