//! vocald: says fourteen times a second whether a singer's voice is in the sound.
//!
//! A folder is a stage, and data goes down the list:
//! [`audio`] (source, ring) → [`frontend`] (resampler, log-mel windows) → [`inference`]
//! (one worker) → [`decision`] (consensus of windows, hysteresis, onsets and offsets) →
//! [`publish`] (hub and sinks).
//! [`model`] (networks and checkpoints) and [`frontend`] are shared with the [`trainer`];
//! [`client`] is for programs that listen to the daemon. [`cli`] puts the stages together, a file
//! a command.

pub mod atomic_file;
pub mod audio;
mod cache_dir;
pub mod cli;
pub mod config;
pub mod corpora;
pub mod decision;
pub mod evaluation;
pub mod frontend;
pub mod inference;
pub mod model;
pub mod pipeline;
pub mod publish;
pub mod reporting;
pub mod reproduction;
pub mod training;

/// Version of the program with its commit and libtorch where they are known: `0.1.0 (abcdef012, libtorch 2.11.0)`.
pub const VERSION: &str = env!("VOCALD_VERSION");
