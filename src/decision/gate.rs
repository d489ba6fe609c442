//! The gate: sound below a level is no voice.

use std::collections::VecDeque;

use crate::frontend::{WINDOW_HOP_SAMPLES, Window};

/// No sound is below it: levels are at least this, in dB of full scale.
pub const NO_GATE_DB: f32 = -120.0;

/// Levels that are kept: more than any window's length.
const LEVELS_MAX: usize = 32;

/// Compares the level around a decision's frame with a threshold. The gate does not change the network's input.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    threshold_db: f32,
    /// End of each hop, in samples of the stream, and its level; the newest last.
    levels: VecDeque<(u64, f32)>,
}

impl Gate {
    /// Open from `threshold_db` on, in dB of full scale; [`NO_GATE_DB`]: always.
    pub fn new(threshold_db: f32) -> Self {
        Self {
            threshold_db,
            levels: VecDeque::with_capacity(LEVELS_MAX),
        }
    }

    /// Keeps the levels of an earlier gate of the same stream.
    pub(super) fn take_levels(&mut self, earlier: &mut Self) {
        self.levels = std::mem::take(&mut earlier.levels);
    }

    /// Takes the level of what is new in a window.
    pub(super) fn add(&mut self, window: &Window) {
        if self.levels.len() == LEVELS_MAX {
            self.levels.pop_front();
        }
        self.levels
            .push_back((window.end_sample(), window.level.rms_db));
    }

    /// Whether the sound around `sample` is below the threshold: the hop that holds it, and its neighbours. Sound of
    /// unknown level is not.
    pub(super) fn is_closed_at(&self, sample: u64) -> bool {
        let hop = WINDOW_HOP_SAMPLES as u64;
        let around = |end: u64| end + hop > sample && end <= sample + 2 * hop;
        let levels = self.levels.iter().filter(|(end, _)| around(*end));
        let loudest = levels.map(|(_, db)| *db).reduce(f32::max);
        loudest.is_some_and(|db| db < self.threshold_db)
    }
}
