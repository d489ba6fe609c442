//! Topics and payloads of the messages, without a broker.

use std::collections::{BTreeMap, BTreeSet};

use vocald_client::Message;
use vocald_client::message::{Counts, Offset, Onset, SinkState, State, StreamState, Version};
use vocald_client::stream_names::StreamNames;

use crate::config::MqttConfig;
use crate::publish::hub::Published;
use crate::publish::mqtt::discovery::Discovery;
use crate::publish::mqtt::flag::Flag;
use crate::publish::mqtt::publication::{Kind, Publication, topic_level};
use crate::publish::mqtt::retained::RetainedTopics;
use crate::publish::rate_limit::RateLimit;

/// Translates messages to publications; knows the present value of every retained topic.
pub struct Messages {
    prefix: String,
    p_rate_hz: f64,
    levels: StreamNames,
    streams: BTreeMap<String, StreamTopics>,
    discovery: Option<Discovery>,
    retained: RetainedTopics,
    /// The flags in the order in which they were added.
    pub(super) order: Vec<(String, Flag)>,
    online: bool,
    /// Outputs that do not deliver.
    troubled: BTreeSet<String>,
}

/// Present values of one stream.
struct StreamTopics {
    /// JSON.
    state: String,
    flags: BTreeMap<Flag, bool>,
    peaks: Option<RateLimit>,
}

impl Messages {
    /// Online, without streams.
    pub fn new(config: &MqttConfig) -> Self {
        Self {
            prefix: config.prefix.clone(),
            p_rate_hz: config.p_rate_hz,
            levels: StreamNames::new(topic_level),
            streams: BTreeMap::new(),
            discovery: Discovery::new(config),
            retained: RetainedTopics::new(config),
            order: Vec::new(),
            online: true,
            troubled: BTreeSet::new(),
        }
    }

    /// What the broker publishes when the connection breaks.
    pub fn last_will(config: &MqttConfig) -> Publication {
        status(&config.prefix, false)
    }

    /// The publications for a message.
    pub fn of(&mut self, published: &Published) -> Vec<Publication> {
        match &published.message {
            Message::Hello(hello) => hello
                .streams
                .iter()
                .flat_map(|status| {
                    let state = state_json(
                        &status.stream,
                        status.state,
                        status.reason.clone(),
                        status.counts,
                    );
                    let mut all = vec![self.set_state(&status.stream, state)];
                    all.push(self.set_flag(&status.stream, Flag::Voice, status.onset.is_some()));
                    let speech = status.speech_onset.as_ref().map(|_| true);
                    all.extend(self.change_speech(&status.stream, speech));
                    all
                })
                .collect(),
            Message::State(state) => {
                let mut all = Vec::new();
                // Without sound nothing is present, even if its offset was lost in a full queue.
                if !state.state.has_sound() {
                    all.extend(self.change_flag(&state.stream, Flag::Voice, false));
                    all.extend(self.change_speech(&state.stream, None));
                }
                all.push(self.set_state(&state.stream, published.json().into()));
                all
            }
            Message::Decision(decision) => {
                let topics = self.topics(&decision.stream);
                let p = topics
                    .peaks
                    .as_mut()
                    .and_then(|peaks| peaks.push(decision.t, decision.p));
                let mut all = Vec::new();
                all.extend(self.change_flag(&decision.stream, Flag::Voice, decision.voice));
                all.extend(self.change_speech(&decision.stream, decision.speech));
                if let Some(p) = p {
                    let p = format!("{p:.4}");
                    all.push(self.publication(&decision.stream, "p", p, Kind::Momentary));
                }
                all
            }
            // The decision of the same moment has usually sent the flag already.
            Message::Onset(Onset { stream, .. }) => {
                self.flagged(stream, Flag::Voice, true, published)
            }
            Message::Offset(Offset { stream, .. }) => {
                self.flagged(stream, Flag::Voice, false, published)
            }
            Message::SpeechOnset(Onset { stream, .. }) => {
                self.flagged(stream, Flag::Speech, true, published)
            }
            Message::SpeechOffset(Offset { stream, .. }) => {
                self.flagged(stream, Flag::Speech, false, published)
            }
            Message::Gap(gap) => vec![self.event(&gap.stream, published)],
            Message::Settings(settings) => vec![self.event(&settings.stream, published)],
            // That an output runs is news only after trouble.
            Message::Sink(changed) if changed.status.state == SinkState::Running => {
                match self.troubled.remove(&changed.status.sink) {
                    true => vec![self.general_event(published)],
                    false => Vec::new(),
                }
            }
            Message::Sink(changed) => {
                self.troubled.insert(changed.status.sink.clone());
                vec![self.general_event(published)]
            }
            Message::Reload(_) | Message::Lock(_) => vec![self.general_event(published)],
            Message::Level(_) | Message::Lagged(_) | Message::Reply(_) | Message::Refused(_) => {
                Vec::new()
            }
        }
    }

    /// An event that is not of a single stream.
    fn general_event(&self, published: &Published) -> Publication {
        Publication {
            topic: format!("{}/event", self.prefix),
            payload: published.json().into(),
            kind: Kind::Event,
        }
    }

    /// Number of flags so far.
    pub fn flag_count(&self) -> usize {
        self.order.len()
    }

    /// Takes the list of topics that an earlier run left at the broker, and returns what clears those of streams that
    /// are no more.
    pub fn take_earlier(&mut self, payload: &[u8]) -> Vec<Publication> {
        self.retained.take_earlier(payload);
        let mut all = self.descriptions();
        all.retain(|publication| publication.payload.is_empty());
        all
    }

    /// [`Messages::present`] and [`Messages::descriptions`].
    pub fn retained(&mut self) -> Vec<Publication> {
        let mut all = self.present();
        all.extend(self.descriptions());
        all
    }

    /// The descriptions of the streams for Home Assistant, what clears topics that are no longer in use, and the list
    /// of those in use. Nothing without streams: then nothing is known of the present yet.
    pub fn descriptions(&mut self) -> Vec<Publication> {
        if self.streams.is_empty() {
            return Vec::new();
        }
        let mut all = Vec::new();
        if let Some(discovery) = &mut self.discovery {
            for stream in self.streams.keys() {
                let topic = format!("{}/{}", self.prefix, self.levels.of(stream));
                all.push(discovery.describe(stream, &topic));
            }
        }
        let present = self.present();
        let topics = present.iter().chain(&all).map(|p| p.topic.clone());
        let list = self.retained.publications(topics.collect());
        all.extend(list);
        all
    }

    /// All retained topics as they are now, the status last.
    pub fn present(&mut self) -> Vec<Publication> {
        let streams: Vec<_> = self
            .streams
            .iter()
            .map(|(stream, topics)| (stream.clone(), topics.state.clone(), topics.flags.clone()))
            .collect();
        let mut all = Vec::new();
        for (stream, state, flags) in streams {
            all.push(self.publication(&stream, "state", state, Kind::Retained));
            let flags = flags.into_iter();
            all.extend(flags.map(|(flag, present)| self.flag(&stream, flag, present)));
        }
        all.push(status(&self.prefix, self.online));
        all
    }

    /// The last publication: the retained topics are no longer kept up to date.
    pub fn go_offline(&mut self) -> Publication {
        self.online = false;
        status(&self.prefix, false)
    }

    fn topics(&mut self, stream: &str) -> &mut StreamTopics {
        let (p_rate_hz, order) = (self.p_rate_hz, &mut self.order);
        self.streams.entry(stream.into()).or_insert_with(|| {
            order.push((stream.into(), Flag::Voice));
            StreamTopics {
                state: state_json(stream, StreamState::Starting, None, Counts::default()),
                flags: BTreeMap::from([(Flag::Voice, false)]),
                peaks: RateLimit::new(p_rate_hz),
            }
        })
    }

    fn set_state(&mut self, stream: &str, state: String) -> Publication {
        self.topics(stream).state.clone_from(&state);
        self.publication(stream, "state", state, Kind::Retained)
    }

    fn set_flag(&mut self, stream: &str, flag: Flag, present: bool) -> Publication {
        if self.topics(stream).flags.insert(flag, present).is_none() {
            self.order.push((stream.into(), flag));
        }
        self.flag(stream, flag, present)
    }

    fn change_flag(&mut self, stream: &str, flag: Flag, present: bool) -> Option<Publication> {
        match self.topics(stream).flags.get(&flag) == Some(&present) {
            true => None,
            false => Some(self.set_flag(stream, flag, present)),
        }
    }

    /// `None`: there is none, if it was ever known.
    fn change_speech(&mut self, stream: &str, present: Option<bool>) -> Option<Publication> {
        let known = self.topics(stream).flags.get(&Flag::Speech).map(|_| false);
        self.change_flag(stream, Flag::Speech, present.or(known)?)
    }

    fn flagged(
        &mut self,
        stream: &str,
        flag: Flag,
        present: bool,
        published: &Published,
    ) -> Vec<Publication> {
        let changed = self.change_flag(stream, flag, present);
        changed
            .into_iter()
            .chain([self.event(stream, published)])
            .collect()
    }

    /// A flag of a stream, if it is set.
    pub fn present_flag(&mut self, stream: &str, flag: Flag) -> Option<Publication> {
        let present = *self.streams.get(stream)?.flags.get(&flag)?;
        present.then(|| self.flag(stream, flag, true))
    }

    pub(super) fn flag(&mut self, stream: &str, flag: Flag, present: bool) -> Publication {
        let word = Flag::word(present).into();
        self.publication(stream, flag.level(), word, Kind::Retained)
    }

    fn event(&mut self, stream: &str, published: &Published) -> Publication {
        self.publication(stream, "event", published.json().into(), Kind::Event)
    }

    fn publication(
        &mut self,
        stream: &str,
        what: &str,
        payload: String,
        kind: Kind,
    ) -> Publication {
        let level = self.levels.of(stream);
        Publication {
            topic: format!("{}/{level}/{what}", self.prefix),
            payload,
            kind,
        }
    }
}

fn status(prefix: &str, online: bool) -> Publication {
    Publication {
        topic: format!("{prefix}/status"),
        payload: if online { "online" } else { "offline" }.into(),
        kind: Kind::Retained,
    }
}

fn state_json(stream: &str, state: StreamState, reason: Option<String>, counts: Counts) -> String {
    let message = Message::State(State {
        v: Version,
        stream: stream.into(),
        state,
        reason,
        counts,
    });
    Published::new(message).json().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vocald_client::message::{Decision, EventReason, Onset};

    fn decision(stream: &str, seq: u64, p: f32, voice: bool) -> Published {
        Published::new(Message::Decision(Decision {
            v: Version,
            stream: stream.into(),
            seq,
            t: seq as f64 / 14.0,
            wall: 0.0,
            p,
            voice,
            lookahead: 0.58,
            latency: 0.0,
            late: false,
            test: false,
            speech_p: None,
            speech: None,
        }))
    }

    fn publication(topic: &str, payload: &str, kind: Kind) -> Publication {
        Publication {
            topic: topic.into(),
            payload: payload.into(),
            kind,
        }
    }

    #[test]
    fn no_two_streams_share_a_topic_and_the_present_has_them_all() {
        let mut messages = Messages::new(&MqttConfig::default());
        let voice = |topic: &str, word: &str| publication(topic, word, Kind::Retained);
        assert_eq!(
            messages.of(&decision("a/1", 0, 0.9, true)),
            [voice("vocald/a_1/voice", "ON")]
        );
        assert_eq!(messages.of(&decision("a+1", 0, 0.1, false)), []);
        assert_eq!(
            messages.of(&decision("a+1", 1, 0.9, true)),
            [voice("vocald/a_1-2/voice", "ON")]
        );
        let starting = |stream| state_json(stream, StreamState::Starting, None, Counts::default());
        let mut present = messages.present();
        present.sort_by(|a, b| a.topic.cmp(&b.topic));
        assert_eq!(
            present,
            [
                voice("vocald/a_1-2/state", &starting("a+1")),
                voice("vocald/a_1-2/voice", "ON"),
                voice("vocald/a_1/state", &starting("a/1")),
                voice("vocald/a_1/voice", "ON"),
                voice("vocald/status", "online"),
            ]
        );
        let offline = voice("vocald/status", "offline");
        assert_eq!(messages.go_offline(), offline);
        assert_eq!(messages.present().last(), Some(&offline));
        assert_eq!(Messages::last_will(&MqttConfig::default()), offline);
    }

    #[test]
    fn an_onset_without_its_decision_is_a_voice_and_p_is_the_peak() {
        let mut messages = Messages::new(&MqttConfig {
            p_rate_hz: 7.0,
            prefix: "stage/left".into(),
            ..MqttConfig::default()
        });
        let p = |word: &str| publication("stage/left/a/p", word, Kind::Momentary);
        assert_eq!(messages.of(&decision("a", 0, 0.25, false)), [p("0.2500")]);
        assert_eq!(messages.of(&decision("a", 1, 0.75, false)), []);
        assert_eq!(messages.of(&decision("a", 2, 0.5, false)), [p("0.7500")]);
        let onset = Published::new(Message::Onset(Onset {
            v: Version,
            stream: "a".into(),
            id: 1,
            t: 0.5,
            wall: 0.0,
            p: 0.5,
            reason: EventReason::Decision,
            test: false,
        }));
        assert_eq!(
            messages.of(&onset),
            [
                publication("stage/left/a/voice", "ON", Kind::Retained),
                publication("stage/left/a/event", onset.json(), Kind::Event),
            ]
        );
    }
}
