//! Windows in, probabilities out: an [`engine`] is a checkpoint made ready for one [`device`],
//! the [`worker`] is the one thread that owns it.

pub mod device;
pub mod engine;
mod queue;
pub mod worker;

pub use device::DeviceChoice;
pub use engine::{Engine, EngineError};
pub use worker::{Output, Scored, Worker};
