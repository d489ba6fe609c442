//! A source of sound: a thread that fills rings and reports its events, in order.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use vocald_client::message::StateChange;

use crate::audio::{AudioFormat, Health, RingReader, StopFlag};

/// Events are rare (a reconnecting device sends at most two in a quarter of a second). When this many wait, the
/// consumer is stuck: the source thread then waits too, the capture callback does not.
const EVENT_QUEUE: usize = 64;

/// An event of a source. Events come in the order in which they happened.
pub enum SourceEvent {
    /// Sound flows into a new ring from now on; an earlier ring gets no more.
    Started {
        /// Format of the samples in the ring.
        format: AudioFormat,
        /// The ring's reading end.
        reader: RingReader,
    },
    /// Sound flows again, into the same ring.
    Resumed,
    /// The source is stalled, reconnecting, ended or failed. Ended and failed are the last event.
    State(StateChange),
}

/// A device, file or pipe.
pub trait Source: Send {
    /// Name for messages: a file's path, a device's name.
    fn label(&self) -> String;

    /// Runs until the sound ends, `stop` is set, or the receiver of `events` is gone.
    fn run(self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag);
}

/// A running source.
pub struct SourceHandle {
    /// [`Source::label`].
    pub label: String,
    /// Its events, in order.
    pub events: Receiver<SourceEvent>,
    /// Counters that its capture updates.
    pub health: Arc<Health>,
    /// Set it to end the source.
    pub stop: StopFlag,
    thread: JoinHandle<()>,
}

impl SourceHandle {
    /// Waits until the source's thread has ended; set `stop` before to end it early.
    pub fn join(self) {
        // A source that waits for room in the event queue must not wait for ever.
        drop(self.events);
        if self.thread.join().is_err() {
            tracing::error!("the thread of source {} panicked", self.label);
        }
    }
}

/// Starts `source` on its own thread.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn(source: Box<dyn Source>, stop: StopFlag) -> std::io::Result<SourceHandle> {
    let label = source.label();
    let (sender, events) = crossbeam_channel::bounded(EVENT_QUEUE);
    let health = Arc::new(Health::default());
    let thread = std::thread::Builder::new().name("source".into()).spawn({
        let (health, stop) = (health.clone(), stop.clone());
        move || source.run(sender, health, stop)
    })?;
    Ok(SourceHandle {
        label,
        events,
        health,
        stop,
        thread,
    })
}
