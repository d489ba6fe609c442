//! When the sound of a live source was captured: its samples, counted against the capture clock.
//!
//! A block's stamp says when it came: late by whatever held it up, and early by a tenth of a second just after the
//! start of some sound servers. The count of samples is exact, but misses what was lost without a word. So blocks are
//! dated by the count, which follows the stamps slowly; and where a stamp is far off the count, blocks are held until it
//! is clear whether sound was late, which is no loss, or is missing.

use std::collections::VecDeque;

use crate::audio::Block;

/// A stamp that is further off the count is suspicious: longer than scheduling takes on a busy machine.
const SUSPICIOUS_S: f64 = 0.15;
/// Sound is held for this long, by its stamps, until the burst after a stall is over and stamps are right.
const SETTLE_S: f64 = 0.3;
/// A smaller difference is no loss but the error of stamps.
const TOLERANCE_S: f64 = 0.02;
/// Time constant with which the count follows the stamps: a device's own clock, up to 1 % off.
const FOLLOW_S: f64 = 4.0;

/// A block that is held.
pub(super) struct Held {
    pub block: Block,
    /// Interleaved.
    pub samples: Vec<f32>,
}

/// What becomes of a block.
pub(super) enum Place {
    /// Its last frame was captured at this time, in seconds of the capture clock.
    At(f64),
    /// It is to be held.
    Hold,
}

/// The count of one source's samples.
#[derive(Default)]
pub(super) struct Timeline {
    /// When the newest frame that was placed was captured, in seconds; `None` before the first.
    end_s: Option<f64>,
    held: VecDeque<Held>,
}

/// Blocks that are released, and the sound that is missing before them.
pub(super) struct Released {
    pub blocks: VecDeque<Held>,
    /// Seconds.
    pub lost_s: f64,
}

impl Timeline {
    /// Whether no block was placed yet.
    pub fn is_new(&self) -> bool {
        self.end_s.is_none()
    }

    /// Whether blocks are held.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Dates the next block. `doubtful`: the source reported an error, so that sound may be missing before it.
    pub fn place(&mut self, block: &Block, rate_hz: u32, doubtful: bool) -> Place {
        let (Some(end_s), false) = (self.end_s, doubtful || self.is_holding()) else {
            return Place::Hold;
        };
        let duration_s = seconds(block, rate_hz);
        let off_s = block.captured.seconds() - (end_s + duration_s);
        if off_s.abs() > SUSPICIOUS_S {
            return Place::Hold;
        }
        Place::At(self.advance(duration_s, off_s))
    }

    /// Dates a released block.
    pub fn place_released(&mut self, block: &Block, rate_hz: u32) -> f64 {
        self.advance(seconds(block, rate_hz), 0.0)
    }

    fn advance(&mut self, duration_s: f64, off_s: f64) -> f64 {
        let follow_s = off_s * (duration_s / FOLLOW_S).min(1.0);
        let end_s = self.end_s.unwrap_or_default() + duration_s + follow_s;
        self.end_s = Some(end_s);
        end_s
    }

    /// Drops what is held.
    pub fn forget_held(&mut self) {
        self.held.clear();
    }

    /// Holds a block.
    pub fn hold(&mut self, block: Block, samples: Vec<f32>) {
        self.held.push_back(Held { block, samples });
    }

    /// Whether the held blocks show what they are.
    pub fn is_settled(&self) -> bool {
        match (self.held.front(), self.held.back()) {
            (Some(first), Some(last)) => {
                last.block.captured.seconds() - first.block.captured.seconds() >= SETTLE_S
            }
            _ => false,
        }
    }

    /// Releases the held blocks, which all have this rate.
    pub fn release(&mut self, rate_hz: u32) -> Released {
        let blocks = std::mem::take(&mut self.held);
        let Some(first) = blocks.front() else {
            let lost_s = 0.0;
            return Released { blocks, lost_s };
        };
        let first_s = first.block.captured.seconds();
        let mut counted_s = 0.0;
        // Where each block says that the count should have begun. The last ones are right: the burst is over.
        let mut begins: Vec<(f64, f64)> = Vec::with_capacity(blocks.len());
        for held in &blocks {
            counted_s += seconds(&held.block, rate_hz);
            let captured_s = held.block.captured.seconds();
            begins.push((captured_s, captured_s - counted_s));
        }
        let newest_s = begins.last().map_or(first_s, |last| last.0);
        let from_s = first_s + (newest_s - first_s).min(SETTLE_S) / 2.0;
        let mut late: Vec<f64> = begins
            .iter()
            .filter(|(captured_s, _)| *captured_s >= from_s)
            .map(|(_, begin_s)| *begin_s)
            .collect();
        late.sort_by(f64::total_cmp);
        let begin_s = late.get(late.len() / 2).copied().unwrap_or(first_s);
        let off_s = self.end_s.map_or(0.0, |end_s| begin_s - end_s);
        let lost_s = if off_s > TOLERANCE_S { off_s } else { 0.0 };
        self.end_s = Some(begin_s);
        Released { blocks, lost_s }
    }
}

fn seconds(block: &Block, rate_hz: u32) -> f64 {
    (block.frames + block.lost_before_frames) as f64 / f64::from(rate_hz)
}
