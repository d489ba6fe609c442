//! The road of a sample: source, feed, inference, decisions, hub.

pub mod collector;
pub mod decisions;
pub mod feed;
mod listen;
mod sinks;
pub mod stream;

pub use decisions::Reporter;
pub use listen::listen;
