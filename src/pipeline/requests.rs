//! Carries out the requests of clients: settings, mute, tests, the lock and reloads.

use std::time::Duration;

use vocald_client::message::{ALL_STREAMS, Lock, Reply, Settings, StreamStatus, Version};
use vocald_client::{Action, Message};

use crate::config::check_action;
use crate::pipeline::daemon::Daemon;
use crate::pipeline::daemon_error::DaemonError;
use crate::pipeline::decision_thread::Command;
use crate::pipeline::feed_options::FeedChange;
use crate::pipeline::stream_table::{Changes, Opened};
use crate::publish::Call;
use crate::publish::control::{done, impossible, refusal};

const LOCKED: &str = "changes are locked: unlock them first";
/// Why no more commands are taken.
const BUSY: &str = "standard output waits for its reader; try again";

impl Daemon {
    /// Carries out a request and answers it. A reload is answered when it is done.
    pub(super) fn carry_out(&mut self, call: Call) {
        let action = call.request.action.clone();
        if self.locked && action.is_change() {
            tracing::warn!("a request to {} was refused: {LOCKED}", action.word());
            return call.answer(self.with_lock(refusal(LOCKED)));
        }
        if let Err(error) = check_action(&action) {
            return call.answer(self.with_lock(impossible(error.to_string())));
        }
        let done = match action {
            Action::Reload {} => return self.start_reload(call),
            Action::Get { stream } => self.get(stream.as_deref()),
            Action::Set {
                stream,
                decision,
                gain_db,
                gate_db,
            } => self.set(stream.as_deref(), |changes| {
                changes.with(&decision, gain_db, gate_db)
            }),
            Action::Mute { stream, muted } => self.mute(stream.as_deref(), muted),
            Action::Test { stream, seconds } => self.test(stream.as_deref(), seconds),
            Action::Lock { locked } => self.lock(locked),
        };
        let reply = done.unwrap_or_else(|error| match error.is_usage() {
            true => impossible(error.to_string()),
            false => refusal(error.to_string()),
        });
        call.answer(self.with_lock(reply));
    }

    pub(super) fn with_lock(&self, reply: Reply) -> Reply {
        Reply {
            locked: self.locked,
            ..reply
        }
    }

    fn get(&self, stream: Option<&str>) -> Result<Reply, DaemonError> {
        let names = self.table.names(stream)?;
        Ok(Reply {
            sinks: self.hub.hello().sinks,
            ..self.reply_on(&names)?
        })
    }

    fn set(
        &self,
        stream: Option<&str>,
        change: impl Fn(Changes) -> Changes,
    ) -> Result<Reply, DaemonError> {
        let names = self.table.names(stream)?;
        self.check_room(names.len())?;
        let changed = self.table.change(&names, change)?;
        for (name, opened) in names.iter().zip(changed) {
            self.apply(name, opened);
        }
        self.reply_on(&names)
    }

    fn mute(&self, stream: Option<&str>, muted: bool) -> Result<Reply, DaemonError> {
        let names = self.table.names(stream)?;
        self.check_room(2 * names.len())?;
        for stream in &names {
            self.table.set_muted(stream, muted);
            let stream = stream.clone();
            self.command(Command::Mute { stream, muted });
        }
        for stream in &names {
            self.publish_settings(stream, self.table.get(stream)?);
        }
        self.reply_on(&names)
    }

    fn test(&self, stream: Option<&str>, seconds: f64) -> Result<Reply, DaemonError> {
        let names = self.table.names(stream)?;
        self.check_room(names.len())?;
        let duration = Duration::from_secs_f64(seconds);
        for stream in names.clone() {
            self.command(Command::Test { stream, duration });
        }
        self.reply_on(&names)
    }

    fn lock(&mut self, locked: bool) -> Result<Reply, DaemonError> {
        self.check_room(1)?;
        self.locked = locked;
        self.publish(Message::Lock(Lock {
            v: Version,
            stream: ALL_STREAMS.into(),
            locked,
        }));
        Ok(done())
    }

    /// The reply that shows these streams.
    fn reply_on(&self, names: &[String]) -> Result<Reply, DaemonError> {
        let hello = self.hub.hello();
        let mut streams = hello.streams;
        streams.retain(|status| names.contains(&status.stream));
        for StreamStatus {
            stream, settings, ..
        } in &mut streams
        {
            *settings = Some(self.table.get(stream)?.settings);
        }
        Ok(Reply { streams, ..done() })
    }

    /// Decides on a stream by its settings from the next window on.
    pub(super) fn apply(&self, stream: &str, opened: Opened) {
        let (source, channel) = (opened.source.clone(), opened.channel);
        let gain_db = opened.gain_db;
        let decider = Box::new(opened.decider.clone());
        self.publish_settings(stream, opened);
        self.sources
            .change(&source, FeedChange::Decider { channel, decider });
        self.sources
            .change(&source, FeedChange::Gain { channel, gain_db });
    }

    pub(super) fn publish_settings(&self, stream: &str, opened: Opened) {
        self.publish(Message::Settings(Settings {
            v: Version,
            stream: stream.into(),
            settings: opened.settings,
        }));
    }

    pub(super) fn publish(&self, message: Message) {
        self.command(Command::Publish(message));
    }

    pub(super) fn command(&self, command: Command) {
        // There was room, or nobody needs it.
        if self.commands.try_send(command).is_err() {
            tracing::error!("{BUSY}");
        }
    }

    pub(super) fn check_room(&self, commands: usize) -> Result<(), DaemonError> {
        let room = self.commands.capacity().unwrap_or_default() - self.commands.len();
        match commands <= room {
            true => Ok(()),
            false => Err(DaemonError::Busy(BUSY)),
        }
    }
}
