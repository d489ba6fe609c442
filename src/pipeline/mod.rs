//! The road of a sample: the glue between sources, frontend, inference, decisions and sinks.
//!
//! [`daemon`] starts and stops the threads. A [`feed`] takes blocks from a source's ring and passes them through a
//! [`stream`] to inference; [`decisions`] turns its outputs into messages for the hub. [`label`] takes a file the same
//! way, and [`file_windows`] its windows, without threads of their own.

mod changeover;
pub mod collector;
pub mod daemon;
mod daemon_error;
pub mod decision_thread;
pub mod decisions;
mod doors;
mod event_messages;
pub mod feed;
mod feed_options;
pub mod file_windows;
pub mod label;
pub mod labels;
mod lane;
mod lanes;
mod models;
pub mod recording;
mod reload;
mod requests;
pub mod restart;
mod sinks;
mod source_threads;
pub mod sources;
pub mod stream;
mod stream_table;
mod timeline;
pub mod verdict;
mod wall_clock;
mod watchdog;

pub use daemon::{Daemon, DaemonError};
pub use sinks::SinkError;
