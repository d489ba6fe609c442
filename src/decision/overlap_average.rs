//! What all windows so far have said of a frame, as one probability.
//!
//! A window speaks of several frames, one a horizon, so a frame is spoken of several times: by the window
//! that has it at its shortest horizon, and by later ones, which have heard more of what comes after it.
//! Each is right and wrong in places of its own. The mean of their log odds (a logarithmic opinion pool
//! with equal weights: Genest & Zidek, "Combining probability distributions", Statistical Science 1986)
//! is right more often than the last of them alone, and costs no look-ahead and no pass of the network.

use std::collections::VecDeque;

use crate::frontend::{WINDOW_HOP_FRAMES, WINDOW_HOP_SAMPLES};

/// An answer is never surer than this: beyond it lies the rounding of the softmax, and one such answer
/// would outvote all others.
const SUREST: f32 = 1e-4;

/// Horizons shorter than this are not asked about a frame: a window that has heard less than 0.1 s beyond it
/// is right too seldom to be worth a voice (on validation the frame 7 before the end was decided on better
/// without the answers at 2).
const SHORTEST_ASKED_FRAMES: u32 = 5;

/// Where networks take turns, the windows before were the others': what they say of a frame is worth more, and is
/// asked for from 0.08 s on. (On validation the frame 9 before the end is then decided on nearly as well as if all
/// networks had looked at every window; without the answers at 4, as one network alone decides.)
const SHORTEST_ASKED_IN_TURN_FRAMES: u32 = 4;

/// Collects one stream's answers. Without anything to add to them it gives them back as they came.
#[derive(Debug, Clone)]
pub struct OverlapAverage {
    /// For each horizon, where else its frame is spoken of.
    looks: Vec<Vec<Look>>,
    /// The newest windows, as far back as any look goes.
    heard: VecDeque<Heard>,
    kept_windows: usize,
}

/// A shorter horizon of earlier windows: the frame lies between those of two successive ones.
#[derive(Debug, Clone, Copy)]
struct Look {
    horizon: usize,
    /// How many windows ago the later of the two was.
    back: u64,
    /// How much of the way the frame lies towards the earlier one's, 0 to 1.
    earlier_part: f32,
}

#[derive(Debug, Clone)]
struct Heard {
    start_sample: u64,
    /// One a horizon.
    log_odds: Vec<f32>,
}

impl OverlapAverage {
    /// Over these horizons, the largest first.
    pub fn new(horizons_frames: &[u32]) -> Self {
        Self::asking(horizons_frames, SHORTEST_ASKED_FRAMES)
    }

    /// The same for networks of which each answers when it is its turn.
    pub fn alternating(horizons_frames: &[u32]) -> Self {
        Self::asking(horizons_frames, SHORTEST_ASKED_IN_TURN_FRAMES)
    }

    fn asking(horizons_frames: &[u32], shortest_asked: u32) -> Self {
        let looks = |(index, &frames): (usize, &u32)| {
            let shorter = horizons_frames.iter().enumerate().skip(index + 1);
            let asked = shorter.filter(|(_, other)| **other >= shortest_asked);
            let look = |(horizon, &other): (usize, &u32)| {
                let apart = frames.saturating_sub(other) as usize;
                Look {
                    horizon,
                    back: (apart / WINDOW_HOP_FRAMES) as u64,
                    earlier_part: (apart % WINDOW_HOP_FRAMES) as f32 / WINDOW_HOP_FRAMES as f32,
                }
            };
            asked.map(look).collect::<Vec<_>>()
        };
        let looks: Vec<Vec<Look>> = horizons_frames.iter().enumerate().map(looks).collect();
        let furthest = looks.iter().flatten().map(|look| look.back as usize + 2);
        Self {
            kept_windows: furthest.max().unwrap_or(0),
            looks,
            heard: VecDeque::new(),
        }
    }

    /// Every window for itself.
    pub fn none() -> Self {
        Self::new(&[])
    }

    /// Takes the probabilities of the window that begins at `start_sample` of the stream, one a horizon,
    /// and gives those of everything said so far. Windows that are missing say nothing.
    pub fn push(&mut self, start_sample: u64, probabilities: &[f32]) -> Vec<f32> {
        if self.kept_windows == 0 {
            return probabilities.to_vec();
        }
        self.heard.truncate(self.kept_windows - 1);
        self.heard.push_front(Heard {
            start_sample,
            log_odds: probabilities.iter().map(|&p| log_odds(p)).collect(),
        });
        let combined = |(index, &p): (usize, &f32)| {
            let looks = self.looks.get(index).map_or(&[][..], Vec::as_slice);
            let others = looks
                .iter()
                .filter_map(|&look| self.said(start_sample, look));
            let (sum, count) = others.fold((0.0, 0), |(sum, n), said| (sum + said, n + 1));
            match count {
                0 => p,
                _ => probability((log_odds(p) + sum) / (count + 1) as f32),
            }
        };
        probabilities.iter().enumerate().map(combined).collect()
    }

    /// The log odds that earlier windows gave the frame, if those were heard.
    fn said(&self, start_sample: u64, look: Look) -> Option<f32> {
        let later = self.answer(start_sample, look.back, look.horizon)?;
        if look.earlier_part == 0.0 {
            return Some(later);
        }
        let earlier = self.answer(start_sample, look.back + 1, look.horizon)?;
        Some(later + look.earlier_part * (earlier - later))
    }

    fn answer(&self, start_sample: u64, back: u64, horizon: usize) -> Option<f32> {
        let start = start_sample.checked_sub(back * WINDOW_HOP_SAMPLES as u64)?;
        let window = self.heard.iter().find(|w| w.start_sample == start)?;
        window.log_odds.get(horizon).copied()
    }
}

fn log_odds(p: f32) -> f32 {
    let p = p.clamp(SUREST, 1.0 - SUREST);
    (p / (1.0 - p)).ln()
}

fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}
