//! A thread with a tokio runtime of its own for each kind of clients, so that none delays another.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time that clients have to take what is left after the last message.
pub(super) const CLIENT_PATIENCE: Duration = Duration::from_secs(1);
/// Time between checks in [`Server::finish`].
const FINISH_POLL: Duration = Duration::from_millis(5);

/// A running server.
#[derive(Debug)]
pub struct Server {
    name: String,
    thread: JoinHandle<()>,
    failure: Arc<OnceLock<String>>,
}

impl Server {
    /// Runs `serve` on a single-threaded runtime to its end. An error and a panic are its failure.
    ///
    /// # Errors
    ///
    /// If the system gives no runtime or no thread.
    pub(super) fn start<F, S>(name: &str, serve: S) -> io::Result<Self>
    where
        S: FnOnce() -> F + Send + 'static,
        F: Future<Output = io::Result<()>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let failure = Arc::new(OnceLock::new());
        let failed = Arc::clone(&failure);
        let thread = std::thread::Builder::new()
            .name(format!("server {name}"))
            .spawn(move || {
                let serve = AssertUnwindSafe(|| runtime.block_on(async { serve().await }));
                let reason = match catch_unwind(serve) {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(_) => Some("its thread panicked; see the log above".into()),
                };
                if let Some(reason) = reason {
                    let _ = failed.set(reason);
                }
                runtime.shutdown_background();
            })?;
        Ok(Self {
            name: name.into(),
            thread,
            failure,
        })
    }

    /// The server and the reason, if it has failed.
    pub fn failure(&self) -> Option<String> {
        let reason = self.failure.get()?;
        Some(format!("the {} server: {reason}", self.name))
    }

    /// Waits for the server to close its connections, 2 s at most.
    pub fn finish(self) {
        let deadline = Instant::now() + 2 * CLIENT_PATIENCE;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(FINISH_POLL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_panics_has_failed_and_one_that_ends_has_not() {
        async fn serve(panics: bool) -> io::Result<()> {
            assert!(!panics, "injected");
            Ok(())
        }
        for panics in [true, false] {
            let server = Server::start("test", move || serve(panics)).unwrap();
            while !server.thread.is_finished() {
                std::thread::sleep(FINISH_POLL);
            }
            let reason = "the test server: its thread panicked; see the log above";
            assert_eq!(server.failure(), panics.then(|| reason.into()));
        }
    }
}
