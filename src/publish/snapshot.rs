//! The present state of the run, for new subscribers: `hello`, kept up to date by the messages.

use vocald_client::Message;
use vocald_client::message::{
    Counts, Hello, SinkState, SinkStatus, State, StreamSettings, StreamState, StreamStatus,
};

#[derive(Debug, Clone)]
pub struct Snapshot {
    hello: Hello,
}

impl Snapshot {
    pub fn new(hello: Hello) -> Self {
        Self { hello }
    }

    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Changes what no message changes.
    pub fn hello_mut(&mut self) -> &mut Hello {
        &mut self.hello
    }

    /// Adds a stream in the state `starting`. One that is known is left as it is.
    pub fn add(&mut self, stream: &str) {
        self.stream(stream);
    }

    pub fn set_settings(&mut self, stream: &str, settings: StreamSettings) {
        self.stream(stream).settings = Some(settings);
    }

    /// Follows the states, onsets, offsets, settings, outputs and the lock among the messages.
    pub fn update(&mut self, message: &Message) {
        match message {
            Message::Hello(hello) => self.hello = hello.clone(),
            Message::State(State {
                stream,
                state,
                reason,
                counts,
                ..
            }) => {
                let status = self.stream(stream);
                status.state = *state;
                status.counts = *counts;
                if !state.has_sound() {
                    status.onset = None;
                    status.speech_onset = None;
                }
                status.reason.clone_from(reason);
            }
            Message::Onset(onset) => self.stream(&onset.stream).onset = Some(onset.clone()),
            Message::Offset(offset) => self.stream(&offset.stream).onset = None,
            Message::Settings(changed) => {
                self.set_settings(&changed.stream, changed.settings.clone());
            }
            Message::Sink(changed) => self.set_sink(changed.status.clone()),
            Message::Lock(lock) => self.hello.locked = lock.locked,
            Message::SpeechOnset(onset) => {
                self.stream(&onset.stream).speech_onset = Some(onset.clone());
            }
            Message::SpeechOffset(offset) => self.stream(&offset.stream).speech_onset = None,
            _ => {}
        }
    }

    pub fn set_sink(&mut self, status: SinkStatus) {
        let sinks = &mut self.hello.sinks;
        if status.state == SinkState::Ended {
            return sinks.retain(|known| known.sink != status.sink);
        }
        match sinks.iter_mut().find(|known| known.sink == status.sink) {
            Some(known) => *known = status,
            None => sinks.push(status),
        }
    }

    fn stream(&mut self, name: &str) -> &mut StreamStatus {
        let streams = &mut self.hello.streams;
        let known = streams.iter().position(|s| s.stream == name);
        let place = known.unwrap_or_else(|| {
            streams.push(StreamStatus {
                stream: name.into(),
                state: StreamState::Starting,
                reason: None,
                onset: None,
                settings: None,
                speech_onset: None,
                counts: Counts::default(),
            });
            streams.len() - 1
        });
        &mut streams[place]
    }
}
