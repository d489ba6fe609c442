//! OSC over UDP: flat addresses of one argument, a datagram each.
//!
//! Under `PREFIX/STREAM`: `/voice i` (1 or 0), `/p f`, `/onset f` and `/offset f` (the `t`
//! of the event, seconds) and `/state s`. STREAM is the stream's name made fit for an address
//! (see [`osc_address`](vocald_client::stream_names)).

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::Arc;

use rosc::{OscMessage, OscPacket, OscType};

use crate::config::OscConfig;
use crate::publish::hub::{Published, Sink};
use crate::publish::rate_limit::RateLimit;
use vocald_client::Message;
use vocald_client::message::StreamState;
use vocald_client::stream_names::StreamNames;

/// A receiver that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("OSC receiver {target}: {reason}; write its address in numbers, or mend the name")]
pub struct OscError {
    target: String,
    reason: String,
}

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
    /// Stream time at which a decision last told the flag.
    voice_told_s: f64,
}

impl Osc {
    /// Looks the receivers up. None need be there.
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

    fn tell(&mut self, message: &Message) {
        match message {
            Message::Hello(hello) => {
                for status in &hello.streams {
                    self.tell_state(&status.stream, status.state);
                    self.tell_voice(&status.stream, status.onset.is_some());
                }
            }
            Message::State(state) => self.tell_state(&state.stream, state.state),
            Message::Decision(decision) => {
                let repeat_s = self.repeat_voice_s;
                let flags = self.flags(&decision.stream);
                let p = flags
                    .peaks
                    .as_mut()
                    .and_then(|peaks| peaks.push(decision.t, decision.p));
                let again = repeat_s > 0.0 && decision.t - flags.voice_told_s >= repeat_s;
                // A flag that differs has had its event lost in a full queue.
                if again || flags.voice != decision.voice {
                    flags.voice_told_s = decision.t;
                    self.tell_voice(&decision.stream, decision.voice);
                }
                if let Some(p) = p {
                    self.send(&decision.stream, "p", OscType::Float(p));
                }
            }
            // The decision of the same moment has mostly told the flag already.
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

    fn tell_state(&mut self, stream: &str, state: StreamState) {
        self.send(stream, "state", OscType::String(state.word().into()));
    }

    fn tell_voice(&mut self, stream: &str, voice: bool) {
        self.flags(stream).voice = voice;
        self.send(stream, "voice", OscType::Int(voice.into()));
    }

    fn change_voice(&mut self, stream: &str, voice: bool) {
        if self.flags(stream).voice != voice {
            self.tell_voice(stream, voice);
        }
    }

    fn flags(&mut self, stream: &str) -> &mut StreamFlags {
        let p_rate_hz = self.p_rate_hz;
        self.streams
            .entry(stream.into())
            .or_insert_with(|| StreamFlags {
                peaks: RateLimit::new(p_rate_hz),
                voice: false,
                voice_told_s: f64::NEG_INFINITY,
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

    /// Never an error: a receiver that is not there does not stop the others.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        messages.iter().for_each(|m| self.tell(&m.message));
        Ok(())
    }
}

struct Target {
    name: String,
    address: SocketAddr,
    /// Connected, so that a refusal (ICMP) comes back to it. None until it can be opened.
    socket: Option<UdpSocket>,
    /// Datagrams that are known not to have arrived.
    lost: u64,
}

impl Target {
    fn find(target: &str) -> Result<Self, OscError> {
        let fault = |reason: String| OscError {
            target: target.into(),
            reason,
        };
        let mut found = target.to_socket_addrs().map_err(|e| fault(e.to_string()))?;
        Ok(Self {
            name: target.into(),
            address: found.next().ok_or_else(|| fault("no address".into()))?,
            socket: None,
            lost: 0,
        })
    }

    fn send(&mut self, datagram: &[u8]) {
        let sent = match self.try_send(datagram) {
            // What was refused is a datagram before this one; this one has not been sent yet.
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                self.count_lost(&e);
                self.try_send(datagram)
            }
            sent => sent,
        };
        if let Err(error) = sent {
            self.count_lost(&error);
            // The network may have come up or changed: a new socket finds its way anew.
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
                "OSC to {} does not arrive: {error}; it is tried on, and this is not said again",
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
    // A full send buffer costs a datagram, not the time of the other receivers.
    socket.set_nonblocking(true)?;
    socket.connect(address)?;
    Ok(socket)
}
