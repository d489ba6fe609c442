//! Health: whether every stream gets decisions, and the newest decision of each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use vocald_client::Message;
use vocald_client::message::{Decision, Hello, SinkState, SinkStatus, StreamState};

/// The first decision, also after a gap, takes 1.2 s. A longer silence is a failure.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Why a run is unhealthy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unhealthy {
    /// Nothing to decide on.
    #[error("there is no stream, or all have ended")]
    NoStream,
    /// Names of the streams without decisions.
    #[error("no decisions come from {0}")]
    Silent(String),
    /// An output that has failed.
    #[error("the output {0}")]
    Sink(String),
}

/// The newest decision and state of every stream.
pub struct Health {
    streams: BTreeMap<String, StreamHealth>,
    sinks: Vec<SinkStatus>,
}

struct StreamHealth {
    state: StreamState,
    newest: Option<(Instant, Decision)>,
}

impl Health {
    /// With the streams of `hello`, without decisions.
    pub fn new(hello: &Hello) -> Self {
        let streams = hello.streams.iter().map(|status| {
            let health = StreamHealth {
                state: status.state,
                newest: None,
            };
            (status.stream.clone(), health)
        });
        Self {
            streams: streams.collect(),
            sinks: hello.sinks.clone(),
        }
    }

    /// Follows decisions, states and outputs.
    pub fn observe(&mut self, message: &Message) {
        match message {
            Message::Decision(decision) => {
                self.stream(&decision.stream).newest = Some((Instant::now(), decision.clone()));
            }
            Message::State(state) => {
                let stream = self.stream(&state.stream);
                stream.state = state.state;
                // The last decision is of the past: nobody may take it for the present.
                if !state.state.has_sound() {
                    stream.newest = None;
                }
            }
            Message::Hello(hello) => {
                self.sinks.clone_from(&hello.sinks);
                let known = |name: &String| hello.streams.iter().any(|s| s.stream == *name);
                self.streams.retain(|name, _| known(name));
            }
            Message::Sink(changed) => {
                self.sinks.retain(|sink| sink.sink != changed.status.sink);
                if changed.status.state != SinkState::Ended {
                    self.sinks.push(changed.status.clone());
                }
            }
            _ => {}
        }
    }

    fn stream(&mut self, name: &str) -> &mut StreamHealth {
        self.streams.entry(name.to_owned()).or_insert(StreamHealth {
            state: StreamState::Starting,
            newest: None,
        })
    }

    /// The newest decision of each stream that has one.
    pub fn decisions(&self) -> Vec<Decision> {
        self.streams
            .values()
            .filter_map(|stream| stream.newest.as_ref().map(|(_, decision)| decision.clone()))
            .collect()
    }

    /// The outputs whose other end is away, one sentence each.
    pub fn waiting(&self) -> Vec<String> {
        let waiting = self.sinks.iter().filter(|s| s.state == SinkState::Waiting);
        waiting.map(described).collect()
    }

    /// Whether every stream that has not ended gets decisions, and no output has failed.
    ///
    /// # Errors
    ///
    /// If one does not, or there is none, or an output has failed.
    pub fn check(&self) -> Result<(), Unhealthy> {
        let running = |stream: &StreamHealth| stream.state != StreamState::Ended;
        if !self.streams.values().any(running) {
            return Err(Unhealthy::NoStream);
        }
        let silent: Vec<&str> = self
            .streams
            .iter()
            .filter(|(_, stream)| running(stream))
            .filter(|(_, stream)| {
                let newest = stream.newest.as_ref();
                newest.is_none_or(|(at, _)| at.elapsed() > SILENCE_MAX)
            })
            .map(|(name, _)| name.as_str())
            .collect();
        if !silent.is_empty() {
            return Err(Unhealthy::Silent(silent.join(", ")));
        }
        let failed = self.sinks.iter().find(|s| s.state == SinkState::Failed);
        failed.map_or(Ok(()), |sink| Err(Unhealthy::Sink(described(sink))))
    }
}

fn described(sink: &SinkStatus) -> String {
    let reason = sink.reason.as_deref().unwrap_or("no reason is given");
    format!("{} is {}: {reason}", sink.sink, sink.state.word())
}
