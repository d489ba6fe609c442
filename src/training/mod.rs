//! Trains checkpoints from an experiment file.

pub mod adam;
pub mod allocator;
pub mod augment;
pub mod combine;
pub mod distillation;
pub mod ensemble;
pub mod experiment;
pub mod export;
pub mod fit;
pub mod flat_params;
mod horizons;
pub mod loader;
mod mixing;
pub mod resume;
pub mod run;
mod run_lock;
pub mod sampler;
mod sequences;
pub mod state;
pub mod step;
pub mod weight_average;
