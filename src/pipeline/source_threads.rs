//! The running sources: a thread for each, which feeds its streams and starts it anew when it dies.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};

use crate::audio::{Health, StopFlag};
use crate::inference::{NewDecider, Note, StreamItem, StreamOutput, WhenBehind};
use crate::pipeline::collector::Collector;
use crate::pipeline::daemon_error::{DaemonError, spawn};
use crate::pipeline::feed::{Feed, FeedEnd};
use crate::pipeline::feed_options::{FeedChange, Opening};
use crate::pipeline::models::Model;
use crate::pipeline::restart;
use crate::pipeline::sources::{OpenSource, stream_name};
use crate::pipeline::stream_table::StreamTable;
use crate::publish::Hub;
use crate::pulse::{Pulse, Pulses};
use crate::real_time::{self, Stage};

/// Changes that may wait for a feed, which takes them within milliseconds.
const CHANGES_WAITING: usize = 256;
/// Ends of sources that may wait.
const ENDS_WAITING: usize = 256;

/// What a new stream is connected to.
#[derive(Clone)]
pub(super) struct Streams {
    pub hub: Arc<Hub>,
    pub table: Arc<StreamTable>,
    pub outputs: Sender<StreamOutput>,
}

impl Streams {
    /// Opens a stream, which is decided on as the table says. `model`: of the source when it started.
    fn open(
        &self,
        source: &str,
        channel: Option<u16>,
        when_behind: WhenBehind,
        model: &Arc<Model>,
    ) -> Opening {
        let name = stream_name(source, channel);
        let outputs = self.outputs.clone();
        match self.table.open(&name, source, channel) {
            Ok(opened) => {
                self.hub.add_stream_with(&name, opened.settings);
                let intake = opened.model.intake();
                let sender = intake.add_stream(&name, when_behind, outputs);
                let new = NewDecider {
                    decider: opened.decider,
                    same_network: false,
                };
                // Where inference has failed, the next window says so.
                let _ = sender.send(StreamItem::Note(Note::Decider(Box::new(new))));
                Opening {
                    sender,
                    window: opened.model.window,
                    gain_db: opened.gain_db,
                }
            }
            Err(error) => {
                tracing::error!("{name} is not decided on: {error}");
                Opening {
                    sender: model.intake().add_stream(&name, when_behind, outputs),
                    window: model.window,
                    gain_db: 0.0,
                }
            }
        }
    }
}

/// Shows the streams of a source, as far as they are known, before it starts.
pub(super) fn announce(
    hub: &Hub,
    table: &StreamTable,
    source: &OpenSource,
) -> Result<(), DaemonError> {
    for channel in source.known_streams() {
        let stream = stream_name(&source.name, channel);
        let opened = table.open(&stream, &source.name, channel)?;
        hub.add_stream_with(&stream, opened.settings);
    }
    Ok(())
}

/// The sources of the run.
pub(super) struct SourceThreads {
    running: Vec<Running>,
    /// What takes the place of a source of the same name, when that has ended.
    next: Vec<(OpenSource, Arc<Model>)>,
    streams: Streams,
    collector: Arc<Collector>,
    pulses: Pulses,
    ended: Sender<(String, FeedEnd)>,
    ends: Receiver<(String, FeedEnd)>,
}

/// A source and its feed.
struct Running {
    name: String,
    /// The source's own flag: one that ends does not end the others.
    stop: StopFlag,
    thread: JoinHandle<()>,
    changes: Sender<FeedChange>,
}

impl SourceThreads {
    pub fn new(streams: Streams, collector: Arc<Collector>, pulses: Pulses) -> Self {
        let (ended, ends) = crossbeam_channel::bounded(ENDS_WAITING);
        Self {
            running: Vec::new(),
            next: Vec::new(),
            streams,
            collector,
            pulses,
            ended,
            ends,
        }
    }

    /// How each source ended.
    pub fn ends(&self) -> &Receiver<(String, FeedEnd)> {
        &self.ends
    }

    /// Whether every source has ended.
    pub fn is_over(&self) -> bool {
        self.running.is_empty() && self.next.is_empty()
    }

    /// Starts a source, after the one of the same name has ended.
    pub fn start(&mut self, source: OpenSource, model: Arc<Model>) -> Result<(), DaemonError> {
        let before = self.running.iter().find(|r| r.name == source.name);
        if let Some(before) = before {
            before.stop.stop();
            self.next.retain(|(next, _)| next.name != source.name);
            self.next.push((source, model));
            return Ok(());
        }
        announce(&self.streams.hub, &self.streams.table, &source)?;
        let running = self.spawn(source, model)?;
        self.running.push(running);
        Ok(())
    }

    /// Stops a source; nothing takes its place.
    pub fn stop(&mut self, name: &str) {
        self.next.retain(|(next, _)| next.name != name);
        let named = self.running.iter().filter(|r| r.name == name);
        named.for_each(|running| running.stop.stop());
    }

    /// Stops every source.
    pub fn stop_all(&mut self) {
        self.next.clear();
        self.running.iter().for_each(|running| running.stop.stop());
    }

    /// Changes the streams of a source, unless it has ended.
    pub fn change(&self, source: &str, change: FeedChange) {
        let running = self.running.iter().find(|r| r.name == source);
        if let Some(running) = running
            && let Err(error) = running.changes.try_send(change)
            && error.is_full()
        {
            tracing::error!("source {source} takes no changes; one is lost");
        }
    }

    /// Takes note of an end, and starts what takes the place of the source. Whether it was replaced.
    pub fn has_ended(&mut self, name: &str) -> Result<bool, DaemonError> {
        if let Some(place) = self.running.iter().position(|r| r.name == name) {
            // A panic inside was caught and reported as the source's end.
            let _ = self.running.remove(place).thread.join();
            self.collector.remove_source(name);
        }
        let Some(place) = self.next.iter().position(|(next, _)| next.name == name) else {
            return Ok(false);
        };
        let (source, model) = self.next.remove(place);
        self.start(source, model)?;
        Ok(true)
    }

    fn spawn(&self, opened: OpenSource, model: Arc<Model>) -> Result<Running, DaemonError> {
        let OpenSource {
            name,
            source,
            options,
            can_wait,
            reopen,
        } = opened;
        let stop = StopFlag::new();
        let health = Arc::new(Health::default());
        self.collector.add_source(&name, Arc::clone(&health));
        // One that may wait for its reader does so without limit.
        let pulse = match can_wait {
            true => Pulse::default(),
            false => self.pulses.add(format!("feed of {name}")),
        };
        let when_behind = match can_wait {
            true => WhenBehind::Block,
            false => WhenBehind::DropOldest,
        };
        let (changes, taken) = crossbeam_channel::bounded(CHANGES_WAITING);
        let thread = spawn("feed", {
            let (name, stop) = (name.clone(), stop.clone());
            let (streams, ended) = (self.streams.clone(), self.ended.clone());
            move || {
                // A source that can wait has no deadlines.
                if !can_wait {
                    real_time::request_or_log(Stage::Feed);
                }
                let open = |channel| streams.open(&name, channel, when_behind, &model);
                let mut feed = Feed::new(options, pulse, taken, open);
                let play =
                    || restart::play(&name, &mut feed, source, reopen.as_deref(), &health, &stop);
                let end =
                    catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|_| FeedEnd::Failed {
                        reason: "its feed thread panicked; see the log above".into(),
                        died: true,
                    });
                // What waits is decided on before the end is known.
                feed.finish();
                // Without a receiver the start of another source has failed.
                let _ = ended.send((name, end));
            }
        })?;
        Ok(Running {
            name,
            stop,
            thread,
            changes,
        })
    }
}
