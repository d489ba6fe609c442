//! What is shown: the connection, the daemon, its streams, and which of them was chosen.

use std::time::{Duration, Instant};

use crate::cli::watch::keys::Action;
use crate::cli::watch::lamp::Lamp;
use crate::cli::watch::stream::Stream;
use vocald_client::Message;
use vocald_client::Update;
use vocald_client::message::{ALL_STREAMS, Hello};

/// Without a decision for so long what is shown is no longer live.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where few decisions were asked for, so many may fail to come.
const MISSED_MAX: f64 = 3.0;
/// More than a screen can ever tell apart.
const STREAMS_MAX: usize = 64;

/// The connection to the daemon.
pub enum Link {
    Waiting,
    Live,
    /// In one sentence why.
    Broken(String),
}

pub struct Board {
    pub address: String,
    pub link: Link,
    pub hello: Option<Hello>,
    pub streams: Vec<Stream>,
    /// Among `streams`.
    pub chosen: usize,
    pub all: bool,
    /// Messages that this terminal was too slow for.
    pub missed: u64,
    /// The streams that were asked for; empty for all.
    pub wanted: Vec<String>,
    patience: Duration,
}

impl Board {
    pub fn new(address: String) -> Self {
        Self {
            address,
            link: Link::Waiting,
            hello: None,
            streams: Vec::new(),
            chosen: 0,
            all: false,
            missed: 0,
            wanted: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// Shows only these streams; all where none is named.
    pub fn with_streams(mut self, wanted: Vec<String>) -> Self {
        self.wanted = wanted;
        self
    }

    /// So many decisions a second were asked for, fewer than all.
    pub fn with_rate(mut self, per_second: f64) -> Self {
        let missing = Duration::try_from_secs_f64(MISSED_MAX / per_second);
        self.patience = PATIENCE.max(missing.unwrap_or(Duration::MAX));
        self
    }

    /// `now`: when it came.
    pub fn take(&mut self, update: Update, now: Instant) {
        match update {
            Update::Connected => self.link = Link::Live,
            Update::Disconnected { reason, .. } => self.link = Link::Broken(reason.to_string()),
            Update::Message(Message::Hello(hello)) => self.take_hello(hello),
            Update::Message(Message::Lagged(lagged)) => {
                self.missed = self.missed.saturating_add(lagged.lost);
            }
            Update::Message(message) => {
                let name = message.stream().to_owned();
                if let Some(stream) = self.stream(&name) {
                    stream.take(message, now);
                }
            }
        }
    }

    fn take_hello(&mut self, hello: Hello) {
        let chosen = self
            .streams
            .get(self.chosen)
            .map(|stream| stream.name.clone());
        // A daemon that was started anew may have others.
        let named = |stream: &Stream| hello.streams.iter().any(|s| s.stream == stream.name);
        self.streams.retain(named);
        for status in &hello.streams {
            if let Some(stream) = self.stream(&status.stream) {
                stream.take_status(status);
            }
        }
        let place = self
            .streams
            .iter()
            .position(|stream| Some(&stream.name) == chosen.as_ref());
        self.chosen = place.unwrap_or(0);
        self.hello = Some(hello);
    }

    /// The stream of this name, which may be new; None where it is not to be shown.
    fn stream(&mut self, name: &str) -> Option<&mut Stream> {
        let wanted = self.wanted.is_empty() || self.wanted.iter().any(|w| w == name);
        if name == ALL_STREAMS || !wanted {
            return None;
        }
        let known = self.streams.iter().position(|stream| stream.name == name);
        if known.is_none() && self.streams.len() < STREAMS_MAX {
            self.streams.push(Stream::new(name));
            return self.streams.last_mut();
        }
        self.streams.get_mut(known?)
    }

    pub fn act(&mut self, action: Action) {
        let count = self.streams.len().max(1);
        match action {
            Action::Quit => {}
            Action::Next => self.chosen = (self.chosen + 1) % count,
            Action::Previous => self.chosen = (self.chosen + count - 1) % count,
            Action::Choose(index) if index < self.streams.len() => {
                (self.chosen, self.all) = (index, false);
            }
            Action::Choose(_) => {}
            Action::All => self.all = !self.all,
        }
    }

    /// The stream's lamp, and a sentence where there is more to say.
    pub fn lamp(&self, stream: &Stream, now: Instant) -> (Lamp, Option<String>) {
        match &self.link {
            Link::Broken(_) => return (Lamp::NotLive, Some("no connection".into())),
            Link::Waiting => return (Lamp::NotLive, Some("connecting".into())),
            Link::Live => {}
        }
        if let Some(silence) = stream.missing(now, self.patience) {
            let said = format!("nothing came for {} s", silence.as_secs());
            return (Lamp::NotLive, Some(said));
        }
        (stream.lamp(), stream.reason.clone())
    }
}
