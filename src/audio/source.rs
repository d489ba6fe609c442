//! What every source is to the rest of the program: a thread that fills rings and tells what
//! happens to it.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};

use crate::audio::{AudioFormat, Health, RingReader, StopFlag};

/// Events are rare (a reconnecting device sends two a quarter of a second at most), so this many
/// are a consumer that no longer looks; the source then waits, its callback does not.
const EVENT_QUEUE: usize = 64;

/// What happens to a source, in order.
pub enum SourceEvent {
    /// Sound flows into a ring from now on; an earlier ring gets no more.
    Started {
        format: AudioFormat,
        reader: RingReader,
    },
    /// No sound for a while, for a reason that may pass.
    Stalled { reason: String },
    /// Sound flows again, into the same ring.
    Resumed,
    /// The device is lost and is being looked for; `Started` follows when it is found.
    Reconnecting { reason: String },
    /// All sound there was has been put into the ring. The last event.
    Ended,
    /// There will be no more sound, and that is an error. The last event.
    Failed { reason: String },
}

/// Something that sound comes from.
pub trait Source: Send {
    /// For people: a file's path, a device's name.
    fn label(&self) -> String;

    /// Runs until the sound ends, the flag is set (`Ended`), or nobody listens to `events`.
    fn run(self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag);
}

/// A source at work on its own thread.
pub struct SourceHandle {
    pub label: String,
    pub events: Receiver<SourceEvent>,
    pub health: Arc<Health>,
    pub stop: StopFlag,
    thread: JoinHandle<()>,
}

impl SourceHandle {
    /// Waits until the source's thread has ended; set `stop` before to end it early.
    pub fn join(self) {
        // Nobody takes the events any more, and the source must not wait for that.
        drop(self.events);
        if self.thread.join().is_err() {
            tracing::error!("the thread of source {} panicked", self.label);
        }
    }
}

/// Starts `source` on a thread of its own.
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
