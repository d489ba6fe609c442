//! Networks, checkpoints and decisions, in the library.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code)] // each binary uses a part of it
#[path = "../support/mod.rs"]
mod support;

mod checkpoint;
mod compiled;
mod ensemble;
mod export;
mod golden;
mod horizons;
mod network;
mod normalisation;
mod overlap_averaging;
mod precision;
mod speech;
mod tracker;
mod worker;
