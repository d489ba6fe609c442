//! What the voice is in MIDI: a note that is on while it is present, and a controller for the
//! probability.

use std::collections::BTreeMap;

use crate::config::MidiConfig;
use crate::publish::rate_limit::RateLimit;
use vocald_client::Message;

const NOTE_OFF: u8 = 0x80;
const NOTE_ON: u8 = 0x90;
const CONTROL_CHANGE: u8 = 0xb0;
const VALUE_MAX: u8 = 127;

/// Status byte and two data bytes.
pub type Bytes = [u8; 3];

pub struct MidiMessages {
    config: MidiConfig,
    streams: BTreeMap<String, Voice>,
    /// Streams that have taken their note from the row.
    numbered: u8,
}

struct Voice {
    /// 0 to 15.
    channel: u8,
    note: u8,
    controller: u8,
    on: bool,
    value: Option<u8>,
    peaks: Option<RateLimit>,
}

impl MidiMessages {
    pub fn new(config: &MidiConfig) -> Self {
        Self {
            config: config.clone(),
            streams: BTreeMap::new(),
            numbered: 0,
        }
    }

    /// What `message` changes, in MIDI.
    pub fn of(&mut self, message: &Message) -> Vec<Bytes> {
        match message {
            Message::Hello(hello) => hello
                .streams
                .iter()
                .filter_map(|status| self.turn(&status.stream, status.onset.is_some()))
                .collect(),
            Message::Onset(onset) => self.turn(&onset.stream, true).into_iter().collect(),
            Message::Offset(offset) => self.turn(&offset.stream, false).into_iter().collect(),
            Message::Decision(decision) => {
                // A note that differs has had its event lost in a full queue.
                let note = self.turn(&decision.stream, decision.voice);
                let control = self.control(&decision.stream, decision.t, decision.p);
                note.into_iter().chain(control).collect()
            }
            Message::State(_)
            | Message::Gap(_)
            | Message::Level(_)
            | Message::Lagged(_)
            | Message::Refused(_) => Vec::new(),
        }
    }

    /// Every note that is on goes off.
    pub fn all_off(&mut self) -> Vec<Bytes> {
        let names: Vec<String> = self.streams.keys().cloned().collect();
        names
            .iter()
            .filter_map(|name| self.turn(name, false))
            .collect()
    }

    fn turn(&mut self, stream: &str, on: bool) -> Option<Bytes> {
        let velocity = self.config.velocity;
        let voice = self.voice(stream);
        if std::mem::replace(&mut voice.on, on) == on {
            return None;
        }
        Some(match on {
            true => [NOTE_ON | voice.channel, voice.note, velocity],
            false => [NOTE_OFF | voice.channel, voice.note, 0],
        })
    }

    fn control(&mut self, stream: &str, t_s: f64, p: f32) -> Option<Bytes> {
        let voice = self.voice(stream);
        let p = voice.peaks.as_mut()?.push(t_s, p)?;
        let value = (p.clamp(0.0, 1.0) * f32::from(VALUE_MAX)).round() as u8;
        (voice.value.replace(value) != Some(value)).then_some([
            CONTROL_CHANGE | voice.channel,
            voice.controller,
            value,
        ])
    }

    fn voice(&mut self, stream: &str) -> &mut Voice {
        let (config, numbered) = (&self.config, &mut self.numbered);
        self.streams.entry(stream.into()).or_insert_with(|| {
            let own = config.streams.iter().find(|own| own.stream == stream);
            let (channel, note, controller) = match own {
                Some(own) => (own.channel, own.note, own.controller),
                None => {
                    // The last number serves all that come after it.
                    let next = |first: u8| first.saturating_add(*numbered).min(VALUE_MAX);
                    let row = (config.channel, next(config.note), next(config.controller));
                    *numbered = numbered.saturating_add(1);
                    row
                }
            };
            Voice {
                channel: channel.saturating_sub(1) & 0x0f,
                note,
                controller,
                on: false,
                value: None,
                peaks: RateLimit::new(config.controller_rate_hz),
            }
        })
    }
}
