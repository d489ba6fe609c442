//! Corpora, training, evaluation and the tables of a reproduction, in the library.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code)] // each binary uses a part of it
#[path = "../support/mod.rs"]
mod support;

mod acoustics;
mod adam;
mod augment;
mod corpora;
mod denormals;
mod distillation;
mod evaluation;
mod experiment;
mod fit;
mod label_files;
mod label_meanings;
mod label_round_trips;
mod lyrics_and_notes;
mod metrics;
mod published_corpora;
mod real_annotations;
mod reproduction;
mod song_split;
mod sound_events;
mod speech;
mod threshold_search;
