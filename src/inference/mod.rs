//! Windows in, probabilities out: an [`engine`] is a checkpoint made ready for one [`device`],
//! the [`worker`] is the one thread that owns it. A network that sees whole recordings is asked by
//! a [`recording`] scorer instead.

pub mod compute_device;
pub mod engine;
pub mod offline;
mod queue;
pub mod sequences;
pub mod stats;
pub mod worker;

pub use compute_device::{ComputeDevice, cores, device_name};
pub use engine::{Engine, EngineError};
pub use offline::OfflineScorer;
pub use stats::Stats;
pub use worker::{Intake, Output, Scored, WhenBehind, Worker};
