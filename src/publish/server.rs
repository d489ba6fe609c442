//! A thread with a tokio runtime of its own for each kind of clients, so that none delays another.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time that clients have to take what is left after the last message.
pub(super) const CLIENT_PATIENCE: Duration = Duration::from_secs(1);
/// Time between checks in [`Server::finish`].
const FINISH_POLL: Duration = Duration::from_millis(5);

/// A running server.
#[derive(Debug)]
pub struct Server {
    thread: JoinHandle<()>,
}

impl Server {
    /// Runs `serve` on a single-threaded runtime to its end. An error is logged.
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
        let title = name.to_owned();
        let thread = std::thread::Builder::new()
            .name(format!("server {name}"))
            .spawn(move || {
                if let Err(error) = runtime.block_on(async { serve().await }) {
                    tracing::error!("the {title} server has ended: {error}");
                }
                runtime.shutdown_background();
            })?;
        Ok(Self { thread })
    }

    /// Waits for the server to close its connections, 2 s at most.
    pub fn finish(self) {
        let deadline = Instant::now() + 2 * CLIENT_PATIENCE;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(FINISH_POLL);
        }
    }
}
