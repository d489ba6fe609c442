//! Training of checkpoints from an experiment file.
//!
//! [`fit::fit`] is the loop: a [`sampler`] draws windows from corpora, a [`loader`] makes them batches, a [`step`]
//! moves the weights, and validation follows each epoch. [`export`] makes the finished checkpoint;
//! [`weight_average`] and [`ensemble`] make one checkpoint of several.

mod acoustics;
pub mod adam;
pub mod allocator;
pub mod augment;
pub mod combine;
pub mod context;
pub mod denormals;
pub mod distillation;
pub mod ensemble;
pub mod error;
pub mod experiment;
pub mod export;
pub mod fit;
pub mod flat_params;
mod horizons;
pub mod loader;
mod mixing;
mod resume;
pub mod run;
mod run_lock;
pub mod sampler;
mod sequences;
mod speech_output;
pub mod state;
pub mod step;
mod validation;
pub mod weight_average;

pub use context::TrainContext;
pub use error::{SamplerError, TrainError};
