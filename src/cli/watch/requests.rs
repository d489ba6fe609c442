//! Requests of the keys. Each has a connection and waits for its reply on a thread of its own, so that the picture goes
//! on meanwhile.

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender};
use vocald_client::{Action, Address, Client};

/// Requests that may wait for the one under way.
const WAITING_MAX: usize = 1;

/// What came of a request.
pub struct Outcome {
    /// One sentence for people.
    pub sentence: String,
    /// Whether it was carried out.
    pub done: bool,
}

impl Outcome {
    /// A request that was not carried out.
    pub fn refused(why: impl std::fmt::Display) -> Self {
        Self {
            sentence: format!("not done: {why}"),
            done: false,
        }
    }

    /// The configuration was read again, with these keys changed; some of them `restart` only.
    pub fn read_again(changed: &[String], restart: &[String]) -> Self {
        let mut sentence = "the configuration was read again: ".to_owned();
        sentence += &match changed {
            [] => "nothing has changed".to_owned(),
            changed => format!("{} changed", changed.join(", ")),
        };
        if !restart.is_empty() {
            sentence += &format!("; only a restart applies {}", restart.join(", "));
        }
        Self {
            sentence,
            done: true,
        }
    }

    fn of(address: &Address, action: Action) -> Self {
        let reply = Client::connect(address).and_then(|mut client| client.request(action.clone()));
        match reply {
            Err(error) => Self::refused(error),
            Ok(reply) => match reply.error {
                Some(error) => Self::refused(error),
                None => Self::done(&action, &reply.changed, &reply.restart),
            },
        }
    }

    fn done(action: &Action, changed: &[String], restart: &[String]) -> Self {
        let all = || "every stream".to_owned();
        let sentence = match action {
            Action::Mute { stream, muted } => {
                let stream = stream.clone().unwrap_or_else(all);
                match muted {
                    true => format!("{stream} is muted: no voice is published"),
                    false => format!("{stream} is no longer muted"),
                }
            }
            Action::Test { stream, seconds } => {
                let stream = stream.clone().unwrap_or_else(all);
                match *seconds > 0.0 {
                    true => format!("{stream}: a voice is published as a test, for {seconds} s"),
                    false => format!("{stream}: the test has ended"),
                }
            }
            Action::Lock { locked: true } => "changes are locked".into(),
            Action::Lock { locked: false } => "changes are accepted again".into(),
            Action::Reload {} => return Self::read_again(changed, restart),
            Action::Get { .. } | Action::Set { .. } => "done".into(),
        };
        Self {
            sentence,
            done: true,
        }
    }
}

/// The way of requests to the daemon, and of what came of them back.
pub struct Requests {
    sender: Sender<Action>,
    /// In the order of the requests.
    pub outcomes: Receiver<Outcome>,
}

impl Requests {
    /// Requests to the daemon at `address`.
    pub fn to(address: Address) -> anyhow::Result<Self> {
        let (sender, actions) = crossbeam_channel::bounded(WAITING_MAX);
        let (back, outcomes) = crossbeam_channel::unbounded();
        std::thread::Builder::new()
            .name("requests".into())
            .spawn(move || {
                for action in actions {
                    if back.send(Outcome::of(&address, action)).is_err() {
                        return;
                    }
                }
            })
            .context("no thread for requests")?;
        Ok(Self { sender, outcomes })
    }

    /// Sends a request, unless too many wait.
    pub fn send(&self, action: Action) -> Result<(), Outcome> {
        let sent = self.sender.try_send(action);
        sent.map_err(|_| Outcome::refused("the requests before have no reply yet"))
    }
}
