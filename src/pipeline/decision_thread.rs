//! The decisions thread: the outputs of all streams in, messages out, and commands that change how it decides.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, select};
use vocald_client::Message;

use crate::inference::{Note, Output, StreamOutput};
use crate::pipeline::decisions::StreamDecisions;
use crate::pulse::Pulse;
use crate::restarts::{RESTARTS_MAX, Restarts};

/// Longest wait for an output or a command: a test of a rig ends this late at most.
const WATCH: Duration = Duration::from_millis(20);

/// A change of how streams are decided on, or of what is published, between two outputs.
#[allow(clippy::large_enum_variant, reason = "commands are rare and few")]
pub enum Command {
    /// Publishes a message.
    Publish(Message),
    /// Publishes no voice of a stream, or its voices again.
    Mute {
        /// Name of the stream.
        stream: String,
        /// Whether to mute.
        muted: bool,
    },
    /// Publishes a voice of a stream, as a test of what reacts to it.
    Test {
        /// Name of the stream.
        stream: String,
        /// Its duration; zero ends a test.
        duration: Duration,
    },
    /// Does something between two messages.
    Run {
        /// After the last message of these streams.
        after: Vec<String>,
        /// What is done.
        act: Act,
    },
}

/// Done once, on the decisions thread.
pub type Act = Box<dyn FnOnce() + Send>;

/// The decisions panic again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the decisions panicked {RESTARTS_MAX} times within a minute; see the log above")]
pub struct TooManyPanics;

/// Decides on every output and hands the messages to `publish`, until no stream can send any more. A panic is a
/// failure of its stream, whose decisions start anew. `levels`: a `level` message with every decision.
///
/// # Errors
/// [`TooManyPanics`]; the streams are then left as they are.
pub fn decide(
    outputs: &Receiver<StreamOutput>,
    commands: &Receiver<Command>,
    levels: &AtomicBool,
    pulse: &Pulse,
    publish: impl FnMut(Message),
) -> Result<(), TooManyPanics> {
    let mut thread = Decisions {
        streams: BTreeMap::new(),
        muted: BTreeSet::new(),
        waiting: Vec::new(),
        restarts: Restarts::default(),
        levels,
        publish,
    };
    let mut commands = commands.clone();
    loop {
        select! {
            recv(outputs) -> output => {
                let Ok(output) = output else { return Ok(()) };
                let _at_work = pulse.at_work();
                thread.output(output)?;
            }
            recv(commands) -> command => match command {
                Ok(command) => {
                    let _at_work = pulse.at_work();
                    thread.command(command);
                }
                Err(_) => commands = never(),
            },
            default(thread.patience()) => {}
        }
        thread.end_tests();
        thread.run_due();
    }
}

struct Decisions<'a, P> {
    streams: BTreeMap<Arc<str>, StreamDecisions>,
    /// By name: a stream that begins anew stays muted.
    muted: BTreeSet<String>,
    /// What is done after the last message of streams.
    waiting: Vec<(Vec<String>, Act)>,
    restarts: Restarts,
    levels: &'a AtomicBool,
    publish: P,
}

impl<P: FnMut(Message)> Decisions<'_, P> {
    fn output(
        &mut self,
        StreamOutput { stream, output }: StreamOutput,
    ) -> Result<(), TooManyPanics> {
        let decisions = match output {
            Output::Note(Note::Over) => {
                self.streams.remove(&stream);
                return Ok(());
            }
            Output::Note(Note::Decider(new)) => match self.streams.get_mut(&stream) {
                Some(known) => {
                    known.change_decider(*new);
                    return Ok(());
                }
                None => {
                    let mut decisions = StreamDecisions::new(&stream, new.decider, false);
                    if self.muted.contains(&*stream) {
                        decisions.set_muted(true).for_each(&mut self.publish);
                    }
                    self.streams.insert(stream, decisions);
                    return Ok(());
                }
            },
            // A stream without a decider has no decisions.
            _ => match self.streams.get_mut(&stream) {
                Some(decisions) => decisions,
                None => return Ok(()),
            },
        };
        if let Output::NoPrediction(reason) = &output
            && !decisions.has_failed()
        {
            tracing::error!("{stream}: {reason}; it goes on with the next window");
        }
        decisions.set_levels(self.levels.load(Ordering::Relaxed));
        let push = || decisions.push(output).collect::<Vec<_>>();
        let messages = match catch_unwind(AssertUnwindSafe(push)) {
            Ok(messages) => messages,
            Err(_) => {
                tracing::error!("the decisions of {stream} panicked; they start anew");
                self.restarts.next_wait().ok_or(TooManyPanics)?;
                decisions.start_anew().collect()
            }
        };
        messages.into_iter().for_each(&mut self.publish);
        Ok(())
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Publish(message) => (self.publish)(message),
            Command::Run { after, act } => self.waiting.push((after, act)),
            Command::Mute { stream, muted } => {
                if let Some(decisions) = self.streams.get_mut(stream.as_str()) {
                    decisions.set_muted(muted).for_each(&mut self.publish);
                }
                match muted {
                    true => self.muted.insert(stream),
                    false => self.muted.remove(&stream),
                };
            }
            Command::Test { stream, duration } => {
                if let Some(decisions) = self.streams.get_mut(stream.as_str()) {
                    decisions.test_for(duration).for_each(&mut self.publish);
                }
            }
        }
    }

    /// How long nothing has to be done.
    fn patience(&self) -> Duration {
        let ends = self.streams.values().filter_map(StreamDecisions::test_end);
        ends.min().map_or(Duration::from_secs(1), |end| {
            end.saturating_duration_since(Instant::now()).min(WATCH)
        })
    }

    fn run_due(&mut self) {
        let streams = &self.streams;
        let is_due = |(after, _): &mut (Vec<String>, Act)| {
            !after
                .iter()
                .any(|stream| streams.contains_key(stream.as_str()))
        };
        for (_, act) in self.waiting.extract_if(.., is_due) {
            act();
        }
    }

    fn end_tests(&mut self) {
        let now = Instant::now();
        for decisions in self.streams.values_mut() {
            if decisions.test_end().is_some_and(|end| end <= now) {
                decisions
                    .test_for(Duration::ZERO)
                    .for_each(&mut self.publish);
            }
        }
    }
}
