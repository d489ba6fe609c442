//! The thread of a sink: delivers, restarts after a panic, and reports the sink's state.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use vocald_client::message::{SinkState, SinkStatus};

use crate::publish::hub::{Sink, SinkId};
use crate::publish::published::Published;
use crate::publish::queue::Queue;
use crate::restarts::Restarts;

/// Messages that a sink gets in one call at most, so that a long backlog is not held twice.
const BATCH_MESSAGES: usize = 256;
/// Time between looks at a sink's state while nothing is published.
const STATE_EVERY: Duration = Duration::from_secs(1);

/// Reports the changes of a sink's state.
pub struct Reporter {
    id: SinkId,
    name: String,
    changed: Sender<(SinkId, SinkStatus)>,
    reported: (SinkState, Option<String>),
}

impl Reporter {
    pub fn new(id: SinkId, name: &str, changed: Sender<(SinkId, SinkStatus)>) -> Self {
        Self {
            id,
            name: name.into(),
            changed,
            reported: (SinkState::Running, None),
        }
    }

    /// Where nobody takes reports, the newest are not kept, and the state is reported again later.
    pub fn report(&mut self, state: (SinkState, Option<String>)) {
        if state == self.reported {
            return;
        }
        let status = SinkStatus {
            sink: self.name.clone(),
            state: state.0,
            reason: state.1.clone(),
        };
        if self.changed.try_send((self.id, status)).is_ok() {
            self.reported = state;
        }
    }
}

/// Delivers until the queue is finished or the sink fails, then closes the queue: nobody may wait for it any more.
/// After a panic the sink gets `hello` again and goes on.
pub fn run(
    mut sink: impl Sink,
    reporter: &mut Reporter,
    queue: &Queue<Arc<Published>>,
    hello: impl Fn() -> Published,
) -> io::Result<()> {
    let mut restarts = Restarts::default();
    let mut batch = Vec::with_capacity(BATCH_MESSAGES + 1);
    let ended = loop {
        let delivered = catch_unwind(AssertUnwindSafe(|| {
            loop {
                if !batch.is_empty() {
                    sink.deliver(&batch)?;
                    batch.clear();
                }
                reporter.report(sink.state());
                match queue.take(&mut batch, BATCH_MESSAGES, STATE_EVERY) {
                    None => return Ok(()),
                    Some(0) => {}
                    Some(dropped) => batch.insert(0, Published::lagged(dropped)),
                }
            }
        }));
        let Err(_) = delivered else {
            break delivered.unwrap_or(Ok(()));
        };
        let Some(wait) = restarts.next_wait() else {
            let reason = "its thread panicked again and again; see the log above";
            break Err(io::Error::other(reason));
        };
        tracing::error!("the sink {} panicked; it is restarted", reporter.name);
        let reason = "its thread panicked and is restarted; see the log";
        reporter.report((SinkState::Waiting, Some(reason.into())));
        std::thread::sleep(wait);
        batch.clear();
        batch.push(Arc::new(hello()));
    };
    queue.close();
    ended
}
