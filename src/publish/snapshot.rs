//! How every stream stands at the moment: what a new subscriber must know.

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

    pub fn streams(&self) -> &[StreamStatus] {
        &self.streams
    }

    /// Makes a stream known, in the state `starting`. Naming it again changes nothing.
    pub fn add(&mut self, stream: &str) {
        self.status(stream);
    }

    /// Keeps of a message what a later subscriber must know.
    pub fn remember(&mut self, message: &Message) {
        match message {
            Message::State(State {
                stream,
                state,
                reason,
                ..
            }) => {
                let status = self.status(stream);
                status.state = *state;
                status.reason.clone_from(reason);
            }
            Message::Onset(onset) => self.status(&onset.stream).onset = Some(onset.clone()),
            Message::Offset(offset) => self.status(&offset.stream).onset = None,
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
            });
            self.streams.len() - 1
        });
        &mut self.streams[place]
    }
}
