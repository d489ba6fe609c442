//! State of the screen: the connection, the daemon, its streams and the selection.

use std::time::{Duration, Instant};

use super::keys::Action;
use super::lamp::Lamp;
use super::requests::Outcome;
use super::stream::Stream;
use vocald_client::message::{ALL_STREAMS, Hello, Reload};
use vocald_client::{Action as Request, Message, Update};

/// From so many streams on, all are shown at first, as on the page.
const ALL_FROM: usize = 3;
/// Longest time without a decision for which the picture counts as live.
const PATIENCE: Duration = Duration::from_secs(5);
/// With a reduced rate, decisions that may be missing before the picture no longer counts as live.
const MISSED_MAX: f64 = 3.0;
/// Time for which the outcome of a request is shown.
const OUTCOME_SHOWN: Duration = Duration::from_secs(10);
/// Duration of a test.
const TEST_S: f64 = 3.0;
/// More streams than a screen can show.
const STREAMS_MAX: usize = 64;

/// The connection to the daemon.
pub(super) enum Link {
    Waiting,
    Live,
    /// The reason, in one sentence.
    Broken(String),
}

/// What the screen shows.
pub struct Board {
    pub(super) address: String,
    pub(super) link: Link,
    pub(super) hello: Option<Hello>,
    pub(super) streams: Vec<Stream>,
    /// Index into `streams`.
    pub(super) chosen: usize,
    pub(super) all: bool,
    /// Messages dropped because this terminal was too slow.
    pub(super) missed: u64,
    /// Names of the streams to show; empty for all.
    pub(super) selected: Vec<String>,
    /// Whether the daemon refuses changes.
    pub(super) locked: bool,
    outcome: Option<(Outcome, Instant)>,
    patience: Duration,
}

impl Board {
    /// A board without a connection yet. `address` is shown as it is.
    #[must_use]
    pub fn new(address: String) -> Self {
        Self {
            address,
            link: Link::Waiting,
            hello: None,
            streams: Vec::new(),
            chosen: 0,
            all: false,
            missed: 0,
            selected: Vec::new(),
            locked: false,
            outcome: None,
            patience: PATIENCE,
        }
    }

    /// Shows only the streams of these names; all if there are none.
    #[must_use]
    pub fn with_streams(mut self, names: Vec<String>) -> Self {
        self.selected = names;
        self
    }

    /// Expects only this many decisions per second and stream.
    #[must_use]
    pub fn with_rate(mut self, per_second: f64) -> Self {
        let missing = Duration::try_from_secs_f64(MISSED_MAX / per_second);
        self.patience = PATIENCE.max(missing.unwrap_or(Duration::MAX));
        self
    }

    /// Applies an update that arrived at `now`.
    pub fn take(&mut self, update: Update, now: Instant) {
        match update {
            Update::Connected => self.link = Link::Live,
            Update::Disconnected { reason, .. } => self.link = Link::Broken(reason.to_string()),
            Update::Message(Message::Hello(hello)) => self.take_hello(hello),
            Update::Message(Message::Lagged(lagged)) => {
                self.missed = self.missed.saturating_add(lagged.lost);
            }
            Update::Message(Message::Lock(lock)) => self.locked = lock.locked,
            Update::Message(Message::Reload(reload)) => self.take_reload(reload, now),
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
        // A restarted daemon may have other streams.
        let named = |stream: &Stream| hello.streams.iter().any(|s| s.stream == stream.name);
        self.streams.retain(named);
        for status in &hello.streams {
            if let Some(stream) = self.stream(&status.stream) {
                stream.thresholds = hello.thresholds;
                stream.take_status(status);
            }
        }
        self.locked = hello.locked;
        let place = self
            .streams
            .iter()
            .position(|stream| Some(&stream.name) == chosen.as_ref());
        self.chosen = place.unwrap_or(0);
        if self.hello.is_none() {
            self.all = self.streams.len() >= ALL_FROM;
        }
        self.hello = Some(hello);
    }

    /// The stream of this name, added if it is new; `None` where it is not shown.
    fn stream(&mut self, name: &str) -> Option<&mut Stream> {
        let selected = self.selected.is_empty() || self.selected.iter().any(|s| s == name);
        if name == ALL_STREAMS || !selected {
            return None;
        }
        let known = self.streams.iter().position(|stream| stream.name == name);
        if known.is_none() && self.streams.len() < STREAMS_MAX {
            self.streams.push(Stream::new(name));
            return self.streams.last_mut();
        }
        self.streams.get_mut(known?)
    }

    fn take_reload(&mut self, reload: Reload, now: Instant) {
        let outcome = match reload.error {
            Some(error) => Outcome::refused(error),
            None => Outcome::read_again(&reload.changed, &reload.restart),
        };
        self.show(outcome, now);
    }

    /// Shows what came of a request at `now`, for some time.
    pub fn show(&mut self, outcome: Outcome, now: Instant) {
        self.outcome = Some((outcome, now));
    }

    /// What came of the last request, if that is recent.
    pub(super) fn outcome(&self, now: Instant) -> Option<&Outcome> {
        let (outcome, at) = self.outcome.as_ref()?;
        (now.saturating_duration_since(*at) < OUTCOME_SHOWN).then_some(outcome)
    }

    /// Applies a key's action; returns the request that it is, if it is one. [`Action::Quit`] changes nothing here.
    pub fn act(&mut self, action: Action) -> Option<Request> {
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
            Action::Lock => {
                let locked = !self.locked;
                return Some(Request::Lock { locked });
            }
            Action::Reload => return Some(Request::Reload {}),
            Action::Mute => {
                let chosen = self.streams.get(self.chosen)?;
                return Some(Request::Mute {
                    stream: Some(chosen.name.clone()),
                    muted: !chosen.muted,
                });
            }
            Action::Test => {
                let chosen = self.streams.get(self.chosen)?;
                return Some(Request::Test {
                    stream: Some(chosen.name.clone()),
                    seconds: if chosen.testing { 0.0 } else { TEST_S },
                });
            }
        }
        None
    }

    /// The stream's lamp, with a reason where there is one.
    pub(super) fn lamp(&self, stream: &Stream, now: Instant) -> (Lamp, Option<String>) {
        match &self.link {
            Link::Broken(_) => return (Lamp::NotLive, Some("no connection".into())),
            Link::Waiting => return (Lamp::NotLive, Some("connecting".into())),
            Link::Live => {}
        }
        if let Some(silence) = stream.missing(now, self.patience) {
            let reason = format!("nothing came for {} s", silence.as_secs());
            return (Lamp::NotLive, Some(reason));
        }
        let lamp = stream.lamp();
        let reason = match lamp {
            Lamp::Voice if stream.testing => Some("a test, not a singer".into()),
            Lamp::Muted => Some("no voice is published".into()),
            _ => stream.reason.clone(),
        };
        (lamp, reason)
    }
}
