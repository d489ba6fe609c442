//! The OSC sink: messages of one argument over UDP, one per datagram.
//!
//! Addresses below `PREFIX/STREAM`: `/voice i` (1 or 0), `/p f`, `/onset f` and `/offset f` (the `t` of the event,
//! seconds) and `/state s`; from models with an output for speech also `/speech i` and `/speech_p f`. STREAM is the stream's name as part of an address ([`vocald_client::stream_names`]).

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rosc::{OscMessage, OscPacket, OscType};
use vocald_client::Message;
use vocald_client::message::{Decision, SinkState, StreamState};
use vocald_client::stream_names::StreamNames;

use crate::config::OscConfig;
use crate::publish::hub::{Published, Sink};
use crate::publish::rate_limit::RateLimit;
use crate::publish::restarted_thread::RestartedThread;

/// Waits between lookups of a name.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(10);

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
    /// The same for speech; `None` until it is known.
    speech: Option<bool>,
    speech_sent_s: f64,
    speech_peaks: Option<RateLimit>,
}

impl Osc {
    /// Looks the receivers' names up, for as long as it takes. No receiver need be running.
    pub fn open(config: &OscConfig) -> Self {
        Self {
            targets: config.targets.iter().map(|t| Target::new(t)).collect(),
            prefix: config.prefix.clone(),
            p_rate_hz: config.p_rate_hz,
            repeat_voice_s: config.repeat_voice_s,
            addresses: StreamNames::default(),
            streams: BTreeMap::new(),
        }
    }

    fn publish(&mut self, message: &Message) {
        match message {
            Message::Hello(hello) => {
                for status in &hello.streams {
                    self.send_state(&status.stream, status.state);
                    self.send_voice(&status.stream, status.onset.is_some());
                    if status.speech_onset.is_some() {
                        self.send_speech(&status.stream, true);
                    }
                }
            }
            Message::State(state) => {
                self.send_state(&state.stream, state.state);
                // Without sound there is no voice and no decision that repeats the flag: a second chance for a
                // datagram that was lost.
                if !state.state.has_sound() {
                    self.send_voice(&state.stream, false);
                    if self.flags(&state.stream).speech.is_some() {
                        self.send_speech(&state.stream, false);
                    }
                }
            }
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
                if let Some(present) = decision.speech {
                    self.repeat_speech(decision, present);
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
            Message::SpeechOnset(onset) => self.change_speech(&onset.stream, true),
            Message::SpeechOffset(offset) => self.change_speech(&offset.stream, false),
            Message::Gap(_)
            | Message::Level(_)
            | Message::Settings(_)
            | Message::Sink(_)
            | Message::Reload(_)
            | Message::Lock(_)
            | Message::Reply(_)
            | Message::Lagged(_)
            | Message::Refused(_) => {}
        }
    }

    fn send_state(&mut self, stream: &str, state: StreamState) {
        self.send(stream, "state", OscType::String(state.word().into()));
    }

    fn send_voice(&mut self, stream: &str, voice: bool) {
        self.flags(stream).voice = voice;
        self.send(stream, "voice", OscType::Int(voice.into()));
    }

    fn send_speech(&mut self, stream: &str, speech: bool) {
        self.flags(stream).speech = Some(speech);
        self.send(stream, "speech", OscType::Int(speech.into()));
    }

    /// The flag of speech and its probability, as often as those of voice.
    fn repeat_speech(&mut self, decision: &Decision, present: bool) {
        let repeat_s = self.repeat_voice_s;
        let flags = self.flags(&decision.stream);
        let peaks = flags.speech_peaks.as_mut().zip(decision.speech_p);
        let p = peaks.and_then(|(peaks, p)| peaks.push(decision.t, p));
        let again = repeat_s > 0.0 && decision.t - flags.speech_sent_s >= repeat_s;
        if again || flags.speech != Some(present) {
            flags.speech_sent_s = decision.t;
            self.send_speech(&decision.stream, present);
        }
        if let Some(p) = p {
            self.send(&decision.stream, "speech_p", OscType::Float(p));
        }
    }

    fn change_speech(&mut self, stream: &str, speech: bool) {
        if self.flags(stream).speech != Some(speech) {
            self.send_speech(stream, speech);
        }
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
                speech: None,
                speech_sent_s: f64::NEG_INFINITY,
                speech_peaks: RateLimit::new(p_rate_hz),
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

    fn state(&self) -> (SinkState, Option<String>) {
        let problems: Vec<String> = self.targets.iter().filter_map(Target::problem).collect();
        match problems.is_empty() {
            true => (SinkState::Running, None),
            false => (SinkState::Waiting, Some(problems.join("; "))),
        }
    }
}

struct Target {
    name: String,
    /// Empty until the name is found.
    address: Arc<OnceLock<SocketAddr>>,
    /// Connected, so that it reports refusals (ICMP). `None` until it can be opened.
    socket: Option<UdpSocket>,
    /// Datagrams that certainly did not arrive.
    lost: u64,
    /// Why the newest one, or the one before it, did not.
    failing: Option<String>,
}

impl Target {
    fn new(target: &str) -> Self {
        let address = Arc::new(OnceLock::new());
        match target.parse() {
            Ok(found) => _ = address.set(found),
            Err(_) => look_up(target, &address),
        }
        Self {
            name: target.into(),
            address,
            socket: None,
            lost: 0,
            failing: None,
        }
    }

    /// Why it receives nothing at present.
    fn problem(&self) -> Option<String> {
        let problem = match (self.address.get(), &self.failing) {
            (None, _) => "the name does not resolve yet",
            (_, Some(problem)) => problem,
            _ => return None,
        };
        Some(format!("{}: {problem}", self.name))
    }

    fn send(&mut self, datagram: &[u8]) {
        self.failing = None;
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
            None => match self.address.get() {
                Some(address) => open(*address)?,
                // Its absence was logged.
                None => return Ok(()),
            },
        };
        let sent = socket.send(datagram);
        self.socket = Some(socket);
        sent.map(drop)
    }

    fn count_lost(&mut self, error: &io::Error) {
        self.failing = Some(error.to_string());
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

/// Looks `target` up on a thread of its own, again and again, until it is found or nobody needs it any more. What is
/// sent before is lost.
fn look_up(target: &str, address: &Arc<OnceLock<SocketAddr>>) {
    let (name, address) = (target.to_owned(), Arc::downgrade(address));
    let run = move || {
        let mut wait = FIRST_WAIT;
        let mut logged = false;
        while let Some(found) = address.upgrade() {
            let problem = match name.to_socket_addrs().map(|mut all| all.next()) {
                Ok(Some(first)) => {
                    let _ = found.set(first);
                    if logged {
                        tracing::info!("OSC receiver {name} is found");
                    }
                    return;
                }
                Ok(None) => "no address".to_owned(),
                Err(error) => error.to_string(),
            };
            drop(found);
            if !std::mem::replace(&mut logged, true) {
                tracing::warn!(
                    "OSC receiver {name}: {problem}; it is looked up again until it is found"
                );
            }
            std::thread::sleep(wait);
            wait = (2 * wait).min(LAST_WAIT);
        }
    };
    if let Err(error) = RestartedThread::start("OSC lookup", run) {
        tracing::error!("OSC receiver {target}: no thread to look it up: {error}");
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
