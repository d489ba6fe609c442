//! Trains checkpoints: corpora of labelled sound, windows drawn from them, Adam, early stopping.
//!
//! An [`experiment`] names the corpora and every setting. [`dataset`] reads each corpus in the
//! layout its owners publish, [`features`] turns files into [`recording`]s, and for those networks
//! that want them into energies of their separated parts, once and keeps them on disk, [`sampler`]
//! draws windows and [`augment`]s them, [`fit`] trains, from a [`teacher`] too if there is one, [`validate`] scores whole
//! tracks, [`operating_point`] chooses thresholds on them, [`metrics`] holds the measures,
//! [`evaluate`] and [`report`] tell how good a checkpoint is, [`reproduce`] goes through the paper's
//! tables.

pub mod adam;
mod alone;
pub mod augment;
pub mod average;
pub mod begin;
pub mod committee;
pub mod dataset;
pub mod evaluate;
pub mod experiment;
pub mod features;
pub mod finish;
pub mod fit;
pub mod grid;
pub mod learning_curves;
pub mod loader;
pub mod memory;
pub mod metrics;
mod mixing;
pub mod operating_point;
pub mod packed;
pub mod recording;
pub mod report;
pub mod reproduce;
pub mod sampler;
mod sequences;
pub mod state;
pub mod step;
pub mod teacher;
pub mod validate;
