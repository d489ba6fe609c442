//! The networks, and what a checkpoint file holds.

pub mod checkpoint;
pub mod se_resnet;

pub use checkpoint::{Checkpoint, CheckpointError, Metadata, OperatingPoint};
pub use se_resnet::{Depth, SeResNet};
