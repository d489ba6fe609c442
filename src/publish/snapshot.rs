//! The present state of all streams, for new subscribers.

use vocald_client::Message;
use vocald_client::message::{State, StreamState, StreamStatus};

#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    streams: Vec<StreamStatus>,
}

impl Snapshot {
    pub fn new(streams: Vec<StreamStatus>) -> Self {
        Self { streams }
    }

    /// In the order in which they were added.
    pub fn all(&self) -> &[StreamStatus] {
        &self.streams
    }

    /// Adds a stream in the state `starting`. One that is known is left as it is.
    pub fn add(&mut self, stream: &str) {
        self.status(stream);
    }

    /// Follows the states, onsets, offsets and settings among the messages.
    pub fn update(&mut self, message: &Message) {
        match message {
            Message::State(State {
                stream,
                state,
                reason,
                ..
            }) => {
                let status = self.status(stream);
                status.state = *state;
                if !state.has_sound() {
                    status.onset = None;
                }
                status.reason.clone_from(reason);
            }
            Message::Onset(onset) => self.status(&onset.stream).onset = Some(onset.clone()),
            Message::Offset(offset) => self.status(&offset.stream).onset = None,
            Message::Settings(changed) => {
                self.status(&changed.stream).settings = Some(changed.settings.clone());
            }
            _ => {}
        }
    }

    fn status(&mut self, stream: &str) -> &mut StreamStatus {
        let known = self.streams.iter().position(|s| s.stream == stream);
        let place = known.unwrap_or_else(|| {
            self.streams.push(StreamStatus {
                stream: stream.into(),
                state: StreamState::Starting,
                reason: None,
                onset: None,
                settings: None,
            });
            self.streams.len() - 1
        });
        &mut self.streams[place]
    }
}
