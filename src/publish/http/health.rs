//! Whether decisions flow, and the newest of each stream.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use vocald_client::Message;
use vocald_client::message::{Decision, Hello, StreamState};

/// A first window takes 1.2 s, also after a gap; without a decision for longer something is wrong.
const SILENCE_MAX: Duration = Duration::from_secs(3);

pub struct Health {
    streams: BTreeMap<String, Vital>,
}

struct Vital {
    state: StreamState,
    newest: Option<(Instant, Decision)>,
}

impl Health {
    pub fn new(hello: &Hello) -> Self {
        let streams = hello.streams.iter().map(|status| {
            let vital = Vital {
                state: status.state,
                newest: None,
            };
            (status.stream.clone(), vital)
        });
        Self {
            streams: streams.collect(),
        }
    }

    pub fn observe(&mut self, message: &Message) {
        match message {
            Message::Decision(decision) => {
                self.stream(&decision.stream).newest = Some((Instant::now(), decision.clone()));
            }
            Message::State(state) => self.stream(&state.stream).state = state.state,
            _ => {}
        }
    }

    fn stream(&mut self, name: &str) -> &mut Vital {
        self.streams.entry(name.to_owned()).or_insert(Vital {
            state: StreamState::Starting,
            newest: None,
        })
    }

    pub fn decisions(&self) -> Vec<Decision> {
        self.streams
            .values()
            .filter_map(|vital| vital.newest.as_ref().map(|(_, decision)| decision.clone()))
            .collect()
    }

    /// The error names the streams that are not decided on.
    pub fn health(&self) -> Result<(), String> {
        let going = |vital: &&Vital| vital.state != StreamState::Ended;
        if !self.streams.values().any(|vital| going(&vital)) {
            return Err("there is no stream, or all have ended".into());
        }
        let still: Vec<&str> = self
            .streams
            .iter()
            .filter(|(_, vital)| going(vital))
            .filter(|(_, vital)| {
                let newest = vital.newest.as_ref();
                newest.is_none_or(|(at, _)| at.elapsed() > SILENCE_MAX)
            })
            .map(|(name, _)| name.as_str())
            .collect();
        match still.is_empty() {
            true => Ok(()),
            false => Err(format!("no decisions come from {}", still.join(", "))),
        }
    }
}
