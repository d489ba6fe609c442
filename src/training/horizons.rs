//! The same network at other look-aheads, as what a training begins with.

use tch::Tensor;

use crate::frontend::Features;
use crate::model::{Checkpoint, Family};

impl Checkpoint {
    /// The checkpoint with outputs for these horizons, the largest first: each begins as those of the
    /// nearest horizons on either side do, in proportion to how near they are. What the network knows of
    /// sound stays; the new outputs are a guess, to be trained. Thresholds and figures are no longer
    /// those of any measurement. The error is a sentence.
    pub fn with_horizons(mut self, horizons_frames: &[u32]) -> Result<Self, String> {
        let old = std::mem::take(&mut self.metadata.horizons_frames);
        if old == horizons_frames {
            self.metadata.horizons_frames = old;
            return Ok(self);
        }
        let family: Family = self.architecture.family;
        if family.features() == Features::SeparatedMel {
            return Err(format!("{family} has no horizons to choose from"));
        }
        let between = |&frames: &u32| Between::of(&old, frames);
        let places: Vec<Between> = horizons_frames.iter().map(between).collect();
        let points = &self.metadata.operating_points;
        let points = places.iter().map(|place| points[place.nearest()]);
        self.metadata.operating_points = points.collect();
        self.metadata.figures.clear();
        self.metadata.horizons_frames = horizons_frames.to_vec();
        if !horizons_frames.contains(&self.metadata.default_horizon_frames) {
            self.metadata.default_horizon_frames = horizons_frames.first().copied().unwrap_or(0);
        }
        self.architecture = self.metadata.validate().map_err(|e| e.to_string())?;
        for slot in self.architecture.slots() {
            if let Some(weight) = self.weights.get_mut(&slot.name)
                && slot.is_of_head()
            {
                // No voice and voice of each horizon.
                let pairs = weight.reshape([old.len() as i64, -1]);
                let rows: Vec<Tensor> = places.iter().map(|place| place.row(&pairs)).collect();
                *weight = Tensor::stack(&rows, 0).reshape(&slot.shape);
            }
        }
        Ok(self)
    }
}

/// A place among horizons: between two of them, or at the end of them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Between {
    longer: usize,
    shorter: usize,
    /// How much of the way it lies towards the shorter one, 0 to 1.
    shorter_part: f64,
}

impl Between {
    /// `horizons` fall.
    fn of(horizons: &[u32], frames: u32) -> Self {
        let shorter = horizons.partition_point(|&h| h > frames);
        let last = horizons.len() - 1;
        let (longer, shorter) = (shorter.saturating_sub(1), shorter.min(last));
        let apart = f64::from(horizons[longer] - horizons[shorter]);
        let from_longer = f64::from(horizons[longer].saturating_sub(frames));
        Self {
            longer,
            shorter,
            shorter_part: if apart > 0.0 {
                from_longer / apart
            } else {
                0.0
            },
        }
    }

    fn nearest(self) -> usize {
        match self.shorter_part > 0.5 {
            true => self.shorter,
            false => self.longer,
        }
    }

    fn row(self, rows: &Tensor) -> Tensor {
        let [longer, shorter] = [self.longer, self.shorter].map(|i| rows.get(i as i64));
        longer * (1.0 - self.shorter_part) + shorter * self.shorter_part
    }
}
