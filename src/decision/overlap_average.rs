//! Overlap averaging: one probability for a frame from all windows that predict it.
//!
//! Each window predicts one frame for every horizon, so a frame is predicted several times: first by the window that
//! has it at its shortest horizon, then by later windows, which cover more of the sound after it. Their errors differ.
//! The mean of their log odds (a logarithmic opinion pool with equal weights: Genest & Zidek, "Combining probability
//! distributions", Statistical Science 1986) is right more often than the last prediction alone. It needs neither
//! more look-ahead nor another pass of the network.

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroU64;

use crate::frontend::{WINDOW_HOP_FRAMES, WINDOW_HOP_SAMPLES};

/// Probabilities are clamped to this distance from 0 and 1: beyond it lies the rounding of the softmax, and a single
/// prediction would outweigh all others.
const MIN_PROBABILITY: f32 = 1e-4;

/// Shorter horizons do not contribute: windows that end less than 0.1 s after a frame are wrong too often. (On
/// validation the decisions at horizon 7 are better without the predictions at horizon 2.)
pub(crate) const MIN_HORIZON_FRAMES: u32 = 5;

/// The same for alternating members, where the earlier window is another network's and so worth more. (On validation
/// the decisions at horizon 9 are then nearly as good as with all members on every window; without horizon 4 they are
/// as good as those of one member.)
pub(crate) const MIN_ALTERNATING_HORIZON_FRAMES: u32 = 4;

/// Averages the predictions of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlapAverage {
    /// For each horizon, the earlier predictions of its frame.
    earlier: Vec<Vec<EarlierPrediction>>,
    /// The newest windows, newest first, as far back as any prediction is needed.
    windows: VecDeque<Window>,
    max_windows: usize,
}

/// An earlier prediction of a frame, at a shorter horizon. The frame lies between those of two successive windows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct EarlierPrediction {
    /// Index of the shorter horizon.
    horizon: usize,
    /// Distance of the later of the two windows from the newest one, in windows.
    windows_ago: u64,
    /// Weight of the earlier of the two windows in the linear interpolation, 0 to 1.
    earlier_weight: f32,
    /// Whether it contributes to the average; else it only stands in for a window that is left out.
    is_averaged: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Window {
    start_sample: u64,
    /// One value per horizon.
    log_odds: Vec<f32>,
}

impl OverlapAverage {
    /// Averages over these horizons, in frames, the largest first.
    pub fn new(horizons_frames: &[u32]) -> Self {
        Self::from_horizon(Some(MIN_HORIZON_FRAMES), horizons_frames)
    }

    /// The same for an ensemble whose members alternate from window to window.
    pub fn alternating(horizons_frames: &[u32]) -> Self {
        Self::from_horizon(Some(MIN_ALTERNATING_HORIZON_FRAMES), horizons_frames)
    }

    /// No averaging: probabilities pass unchanged. Windows that are left out are still filled.
    pub fn only_newest(horizons_frames: &[u32]) -> Self {
        Self::from_horizon(None, horizons_frames)
    }

    fn from_horizon(min_horizon_frames: Option<u32>, horizons_frames: &[u32]) -> Self {
        let earlier_of = |(index, &frames): (usize, &u32)| {
            let shorter = horizons_frames.iter().enumerate().skip(index + 1);
            let prediction = |(horizon, &other): (usize, &u32)| {
                let distance = frames.saturating_sub(other) as usize;
                EarlierPrediction {
                    horizon,
                    windows_ago: (distance / WINDOW_HOP_FRAMES) as u64,
                    earlier_weight: (distance % WINDOW_HOP_FRAMES) as f32
                        / WINDOW_HOP_FRAMES as f32,
                    is_averaged: min_horizon_frames.is_some_and(|min| other >= min),
                }
            };
            shorter.map(prediction).collect::<Vec<_>>()
        };
        let earlier: Vec<_> = horizons_frames.iter().enumerate().map(earlier_of).collect();
        let windows = earlier.iter().flatten().map(|e| e.windows_ago as usize + 2);
        Self {
            max_windows: windows.max().unwrap_or(1),
            earlier,
            windows: VecDeque::new(),
        }
    }

    /// Adds the window that begins at `start_sample` of the stream (22 050 Hz), one probability per horizon, and
    /// returns the averaged probabilities in the same order. Missing windows do not contribute.
    pub fn push(&mut self, start_sample: u64, probabilities: &[f32]) -> Vec<f32> {
        self.windows.truncate(self.max_windows - 1);
        self.windows.push_front(Window {
            start_sample,
            log_odds: probabilities.iter().map(|&p| log_odds(p)).collect(),
        });
        let averaged = |(index, &p): (usize, &f32)| match self.sum_of_earlier(start_sample, index) {
            (_, 0) => p,
            (sum, count) => probability((log_odds(p) + sum) / (count + 1) as f32),
        };
        probabilities.iter().enumerate().map(averaged).collect()
    }

    /// The probability at a horizon of a window that was left out, from the earlier windows' predictions of its frame.
    /// Where there are none, that of the newest window holds on. `None` before the first window.
    pub fn fill(&self, start_sample: u64, horizon: usize) -> Option<f32> {
        let newest = self.windows.front()?.log_odds.get(horizon).copied();
        let log_odds = match self.sum_of_earlier(start_sample, horizon) {
            (sum, count @ 1..) => Some(sum / count as f32),
            // The longest horizon is the most certain.
            (_, 0) => self
                .earlier(horizon)
                .iter()
                .find_map(|&prediction| self.interpolated(start_sample, prediction))
                .or(newest),
        };
        log_odds.map(probability)
    }

    /// The same at every horizon that the newest window has.
    pub fn fill_all(&self, start_sample: u64) -> Vec<f32> {
        let count = self.windows.front().map_or(0, |w| w.log_odds.len());
        (0..count)
            .filter_map(|horizon| self.fill(start_sample, horizon))
            .collect()
    }

    /// Where the first of every `every` windows is pushed: the number of the others in which [`OverlapAverage::fill`] has
    /// no prediction of the frame at a horizon, so that the newest window's probability holds on.
    pub fn held(&self, every: NonZeroU64, horizon: usize) -> u64 {
        // Two successive windows, for a frame between theirs, are never both there.
        let exact = |e: &&EarlierPrediction| e.earlier_weight == 0.0;
        let earlier = self.earlier(horizon).iter().filter(exact);
        let filled: BTreeSet<u64> = earlier.map(|e| e.windows_ago % every).collect();
        let left_out = 1..every.get();
        left_out.filter(|place| !filled.contains(place)).count() as u64
    }

    fn earlier(&self, horizon: usize) -> &[EarlierPrediction] {
        self.earlier.get(horizon).map_or(&[], Vec::as_slice)
    }

    /// The sum of the log odds of the earlier predictions that are averaged, and their number.
    fn sum_of_earlier(&self, start_sample: u64, horizon: usize) -> (f32, u32) {
        let averaged = self.earlier(horizon).iter().filter(|e| e.is_averaged);
        let log_odds = averaged.filter_map(|&e| self.interpolated(start_sample, e));
        log_odds.fold((0.0, 0), |(sum, n), log_odds| (sum + log_odds, n + 1))
    }

    /// The log odds of an earlier prediction, unless a window that it needs is missing.
    fn interpolated(&self, start_sample: u64, prediction: EarlierPrediction) -> Option<f32> {
        let EarlierPrediction {
            horizon,
            windows_ago,
            earlier_weight,
            ..
        } = prediction;
        let later = self.log_odds(start_sample, windows_ago, horizon)?;
        if earlier_weight == 0.0 {
            return Some(later);
        }
        let earlier = self.log_odds(start_sample, windows_ago + 1, horizon)?;
        Some(later + earlier_weight * (earlier - later))
    }

    fn log_odds(&self, start_sample: u64, windows_ago: u64, horizon: usize) -> Option<f32> {
        let start = start_sample.checked_sub(windows_ago * WINDOW_HOP_SAMPLES as u64)?;
        let window = self.windows.iter().find(|w| w.start_sample == start)?;
        window.log_odds.get(horizon).copied()
    }
}

pub(super) fn log_odds(p: f32) -> f32 {
    let p = p.clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY);
    (p / (1.0 - p)).ln()
}

pub(super) fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}
