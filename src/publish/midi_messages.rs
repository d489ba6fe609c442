//! MIDI messages of the voice: a note that is on while it is present, and a controller for the probability.

use std::collections::BTreeMap;

use vocald_client::Message;

use crate::config::MidiConfig;
use crate::publish::rate_limit::RateLimit;

const NOTE_OFF: u8 = 0x80;
const NOTE_ON: u8 = 0x90;
const CONTROL_CHANGE: u8 = 0xb0;
const VALUE_MAX: u8 = 127;

/// A MIDI message: status byte and two data bytes.
pub type Bytes = [u8; 3];

/// Translates messages to MIDI; knows which notes are on.
pub struct MidiMessages {
    config: MidiConfig,
    streams: BTreeMap<String, Voice>,
    /// Streams whose note follows from their order.
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
    /// With all notes off.
    pub fn new(config: &MidiConfig) -> Self {
        Self {
            config: config.clone(),
            streams: BTreeMap::new(),
            numbered: 0,
        }
    }

    /// The MIDI messages for `message`.
    pub fn of(&mut self, message: &Message) -> Vec<Bytes> {
        match message {
            Message::Hello(hello) => hello
                .streams
                .iter()
                .filter_map(|status| self.set_note(&status.stream, status.onset.is_some()))
                .collect(),
            Message::Onset(onset) => self.set_note(&onset.stream, true).into_iter().collect(),
            Message::Offset(offset) => self.set_note(&offset.stream, false).into_iter().collect(),
            Message::Decision(decision) => {
                // If the note differs, its event was lost in a full queue.
                let note = self.set_note(&decision.stream, decision.voice);
                let control = self.control(&decision.stream, decision.t, decision.p);
                note.into_iter().chain(control).collect()
            }
            // Without sound there is no voice, even if its offset was lost in a full queue.
            Message::State(state) if !state.state.has_sound() => {
                self.set_note(&state.stream, false).into_iter().collect()
            }
            Message::State(_)
            | Message::SpeechOnset(_)
            | Message::SpeechOffset(_)
            | Message::Gap(_)
            | Message::Level(_)
            | Message::Settings(_)
            | Message::Sink(_)
            | Message::Reload(_)
            | Message::Lock(_)
            | Message::Reply(_)
            | Message::Lagged(_)
            | Message::Refused(_) => Vec::new(),
        }
    }

    /// Turns on every note that is on, for a port that has just been opened.
    pub fn present(&self) -> Vec<Bytes> {
        let on = self.streams.values().filter(|voice| voice.on);
        on.map(|voice| [NOTE_ON | voice.channel, voice.note, self.config.velocity])
            .collect()
    }

    /// Turns off every note that is on.
    pub fn all_off(&mut self) -> Vec<Bytes> {
        let names: Vec<String> = self.streams.keys().cloned().collect();
        names
            .iter()
            .filter_map(|name| self.set_note(name, false))
            .collect()
    }

    fn set_note(&mut self, stream: &str, on: bool) -> Option<Bytes> {
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
                    // The last number serves all further streams.
                    let next = |first: u8| first.saturating_add(*numbered).min(VALUE_MAX);
                    let numbers = (config.channel, next(config.note), next(config.controller));
                    *numbered = numbered.saturating_add(1);
                    numbers
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
