//! The networks, and what a checkpoint file holds.

pub mod architecture;
mod bilstm;
pub mod checkpoint;
pub mod depth;
pub mod layers;
pub mod metadata;
pub mod network;
pub mod normalisation;
mod scnn;
mod se_resnet;
pub mod stored;

pub use architecture::{Architecture, Family};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use depth::Depth;
pub use metadata::{FrontendNumbers, Metadata};
pub use network::Network;
pub use normalisation::{LevelMode, Normalisation};
