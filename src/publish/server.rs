//! A thread with a runtime of its own for one kind of clients, so that no kind holds up another.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// After the last message clients have this long to take what waits for them.
pub const CLIENT_PATIENCE: Duration = Duration::from_secs(1);
/// How often `finish` looks whether the server is done.
const FINISH_POLL: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub struct Server {
    thread: JoinHandle<()>,
}

impl Server {
    /// Runs `serve` on a single-threaded runtime until it comes to its end.
    pub fn start<F, S>(name: &str, serve: S) -> io::Result<Self>
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
                    tracing::error!("{title} no longer serves: {error}");
                }
                runtime.shutdown_background();
            })?;
        Ok(Self { thread })
    }

    /// Waits until the server has said good-bye, but not for long.
    pub fn finish(self) {
        let deadline = Instant::now() + 2 * CLIENT_PATIENCE;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(FINISH_POLL);
        }
    }
}
