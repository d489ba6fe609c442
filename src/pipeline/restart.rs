//! Plays a source, and starts it anew when a thread of it died.

use std::sync::Arc;

use crate::audio::{Health, Source, StopFlag, spawn_counted};
use crate::pipeline::feed::{Feed, FeedEnd, Opening};
use crate::pipeline::sources::Reopen;
use crate::restarts::{RESTARTS_MAX, Restarts};

/// Plays a source to its end on the streams of `feed`. `reopen`, where the source can be opened more than once, opens it
/// anew after its thread or that of the feed died.
pub fn play<O: FnMut(Option<u16>) -> Opening>(
    name: &str,
    feed: &mut Feed<O>,
    mut source: Box<dyn Source>,
    reopen: Option<&Reopen>,
    health: &Arc<Health>,
    stop: &StopFlag,
) -> FeedEnd {
    let mut restarts = Restarts::default();
    loop {
        let end = match spawn_counted(source, stop.child(), Arc::clone(health)) {
            Ok(source) => feed.play(source),
            Err(error) => feed.fail(&format!("no thread for it: {error}")),
        };
        let FeedEnd::Failed { reason, died: true } = &end else {
            return end;
        };
        let Some(reopen) = reopen.filter(|_| !stop.is_stopped()) else {
            return end;
        };
        let Some(wait) = restarts.next_wait() else {
            tracing::error!(
                "source {name}: {reason}; it was restarted {RESTARTS_MAX} times in vain"
            );
            return end;
        };
        tracing::error!("source {name}: {reason}; it is restarted");
        stop.wait(wait);
        source = match reopen() {
            Ok(source) => source,
            Err(reason) => return feed.fail(&reason),
        };
    }
}
