//! vocald: a real-time singing voice detector.
//!
//! # The road of a sample
//!
//! Data flows down this list, one room after the other:
//!
//! 1. [`audio`]: a source (device, file, pipe) writes blocks into a ring ([`audio::RingWriter`]).
//! 2. [`pipeline`]: a feed ([`pipeline::feed`]) takes them, a thread for each source, and passes them to
//! 3. [`frontend`]: resampler, log-mel frames, windows ([`frontend::Windower`]).
//! 4. [`inference`]: one worker thread runs the network on waiting windows ([`inference::Engine`]).
//! 5. [`decision`]: probabilities to voice or not, onsets and offsets ([`decision::Decider`]), on the decisions thread
//!    ([`pipeline::decisions`]).
//! 6. [`publish`]: the hub hands messages to sinks, one bounded queue and one thread per sink ([`publish::Hub`]).
//!
//! `vocald run` starts the whole road as a [`pipeline::Daemon`]; `vocald detect` takes a file the same way
//! ([`pipeline::label`]).
//!
//! # The other rooms
//!
//! [`model`] holds networks and checkpoints, [`config`] the settings of a run. Trainers use [`corpora`], [`training`],
//! [`evaluation`], [`reporting`] and [`reproduction`]. [`cli`] is the command line, a file for each command. Programs
//! that listen to a daemon need only the crate `vocald-client`.

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
pub mod model_shelf;
pub mod pipeline;
pub mod publish;
pub mod pulse;
mod real_time;
pub mod reference;
pub mod reporting;
pub mod reproduction;
mod restarts;
pub mod stderr;
pub mod training;

/// Version of the program with its commit and libtorch where they are known: `0.1.0 (abcdef012, libtorch 2.11.0)`.
pub const VERSION: &str = env!("BUILD_VERSION");
