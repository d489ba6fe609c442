//! The networks and their checkpoint files.

pub mod architecture;
mod bilstm;
pub mod checkpoint;
mod checkpoint_error;
pub mod compiled;
mod depth;
pub mod export;
mod family;
mod float_values;
mod frontend_settings;
pub mod layers;
pub mod metadata;
pub mod network;
mod normalisation;
mod param_spec;
mod scnn;
mod se_resnet;
pub(crate) mod stored;

pub use architecture::Architecture;
pub use checkpoint::Checkpoint;
pub use checkpoint_error::{CheckpointError, CheckpointProblem};
pub use depth::Depth;
pub use family::{BILSTM, Family, FamilyError, SCNN, SE_RESNET};
pub use float_values::float_values;
pub use frontend_settings::{FrontendSettings, SeparationSettings};
pub use metadata::{Metadata, MetadataError};
pub use network::Network;
pub use normalisation::{LevelMode, MIN_STD, Normalisation};
pub use param_spec::{HEAD, ParamSpec, Role};
