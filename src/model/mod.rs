//! The networks, and what a checkpoint file holds.

pub mod architecture;
pub mod checkpoint;
pub mod metadata;
pub mod se_resnet;

pub use architecture::{Architecture, Depth};
pub use checkpoint::{Checkpoint, CheckpointError, Normalisation};
pub use metadata::{FrontendNumbers, Metadata, OperatingPoint};
pub use se_resnet::SeResNet;
