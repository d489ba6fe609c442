//! A source of sound: a thread that fills rings and reports its events, in order.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use vocald_client::message::StateChange;

use crate::audio::{AudioFormat, Health, RingReader, StopFlag, UnixClock};

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
    /// The source is waiting, reconnecting, ended or failed. Ended and failed are the last event.
    /// That no sound arrives is seen where it should arrive.
    State(StateChange),
}

/// A device, file or pipe.
pub trait Source: Send {
    /// Name for messages: a file's path, a device's name.
    fn label(&self) -> String;

    /// The Unix clock that its sound is dated by; only a simulation has one of its own.
    fn unix_clock(&self) -> UnixClock {
        UnixClock::default()
    }

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
    /// [`Source::unix_clock`].
    pub unix_clock: UnixClock,
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
    spawn_counted(source, stop, Arc::default())
}

/// [`spawn`] with counters that go on from an earlier start of the same source.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn_counted(
    source: Box<dyn Source>,
    stop: StopFlag,
    health: Arc<Health>,
) -> std::io::Result<SourceHandle> {
    let label = source.label();
    let unix_clock = source.unix_clock();
    let (sender, events) = crossbeam_channel::bounded(EVENT_QUEUE);
    let thread = std::thread::Builder::new().name("source".into()).spawn({
        let (health, stop) = (health.clone(), stop.clone());
        move || source.run(sender, health, stop)
    })?;
    Ok(SourceHandle {
        label,
        events,
        health,
        stop,
        unix_clock,
        thread,
    })
}
