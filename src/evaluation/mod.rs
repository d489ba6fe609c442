//! Measures checkpoints on labelled tracks.

pub mod curves;
pub mod decide;
pub mod events;
pub mod figures;
pub mod grid;
pub mod metrics;
pub mod reference_system;
pub mod scorer;
pub mod scores;
pub mod songs;
pub mod stress;
pub mod threshold_search;
mod tones;
