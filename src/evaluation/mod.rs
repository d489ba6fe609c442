//! Measurement of checkpoints on labelled tracks.
//!
//! [`scorer`] computes probabilities, [`decide`] turns them into decisions, [`figures`] measures these on a corpus and
//! [`songs`] on single tracks. [`decision_figures`] counts decisions, all or those outside the [`collar`]; [`events`]
//! matches onsets and offsets, [`sound_events`] and [`phrases`] whole voices. [`curves`] covers all thresholds,
//! [`reference_system`] reads the labels of another detector, [`comparison`] sets them against the checkpoint's,
//! [`stress`] runs the stress tests, [`threshold_search`] chooses operating points, and [`speech_search`] what concerns
//! speech, which [`speech_figures`] measures.

mod bootstrap;
pub mod collar;
pub mod comparison;
pub mod curves;
pub mod decide;
pub mod decision_figures;
pub mod events;
pub mod figures;
pub mod grid;
pub mod levels;
pub mod metrics;
pub mod moments;
pub mod phrases;
pub mod reference_system;
pub mod scorer;
pub mod scores;
pub mod songs;
pub mod sound_events;
pub mod speech_figures;
pub mod speech_search;
pub mod stress;
pub mod threshold_search;
mod tones;

pub(crate) use bootstrap::{BOOTSTRAP_DRAWS, ratio_with_interval};
