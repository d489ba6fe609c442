//! Why the daemon cannot start, or ended.

use std::thread::JoinHandle;

use crate::config::ConfigError;
use crate::decision::PointError;
use crate::inference::EngineError;
use crate::pipeline::decision_thread::TooManyPanics;
use crate::pipeline::sinks::SinkError;
use crate::pipeline::sources::OpenError;
use crate::publish::mqtt::MqttError;

/// Why the daemon cannot start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The configuration is impossible.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A source cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The network cannot be loaded, or failed.
    #[error(transparent)]
    Inference(#[from] EngineError),
    /// The operating point is impossible.
    #[error(transparent)]
    Point(#[from] PointError),
    /// A sink cannot be attached.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The system gives no thread.
    #[error("no thread for {what}: {source}")]
    Thread {
        /// What the thread was for.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// A source failed.
    #[error("source {name}: {reason}")]
    Source {
        /// Its name.
        name: String,
        /// One sentence.
        reason: String,
    },
    /// A sink that everything depends on failed.
    #[error("{name} cannot be written: {source}")]
    SinkEnded {
        /// Its name.
        name: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A server failed.
    #[error("{0}")]
    Server(String),
    /// No stream has this name.
    #[error("there is no stream `{stream}`, but {known}")]
    NoStream {
        /// The name.
        stream: String,
        /// The streams there are.
        known: String,
    },
    /// No room for what a request needs.
    #[error("{0}")]
    Busy(&'static str),
    /// The decisions thread failed.
    #[error(transparent)]
    Decisions(#[from] TooManyPanics),
}

impl DaemonError {
    /// Whether the configuration is invalid, so that waiting cannot help.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Config(_)
                | Self::Inference(EngineError::Precision(_))
                | Self::Open(OpenError::Config(_))
                | Self::Sink(SinkError::Config(_) | SinkError::Mqtt(MqttError::Config(_)))
        )
    }
}

/// Starts a thread of the daemon.
pub(super) fn spawn<T: Send + 'static>(
    what: &'static str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, DaemonError> {
    std::thread::Builder::new()
        .name(what.into())
        .spawn(run)
        .map_err(|source| DaemonError::Thread { what, source })
}
