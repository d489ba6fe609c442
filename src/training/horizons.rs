//! A checkpoint at other horizons, as the start of a training.

use tch::Tensor;

use crate::frontend::Features;
use crate::model::{Checkpoint, Family, MetadataError};

/// A checkpoint that cannot have the required horizons.
#[derive(Debug, thiserror::Error)]
pub enum HorizonsError {
    /// The network labels whole recordings.
    #[error("{0} has no horizons to choose from")]
    NoChoice(Family),
    /// The horizons are not possible for the network.
    #[error("the checkpoint {0}")]
    Invalid(#[from] MetadataError),
}

impl Checkpoint {
    /// The checkpoint with outputs for these horizons (frames, the largest first).
    ///
    /// Weights of a new output are interpolated between those of the nearest horizons on either side. They
    /// are a first guess that needs training. Operating points are copied from the nearest horizon, and
    /// figures are removed. Everything else stays.
    ///
    /// # Errors
    /// If the network cannot have these horizons.
    pub fn with_horizons(mut self, horizons_frames: &[u32]) -> Result<Self, HorizonsError> {
        let old = std::mem::take(&mut self.metadata.horizons_frames);
        if old == horizons_frames {
            self.metadata.horizons_frames = old;
            return Ok(self);
        }
        let family: Family = self.architecture.family;
        if family.features() == Features::SeparatedMel {
            return Err(HorizonsError::NoChoice(family));
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
        self.architecture = self.metadata.validate()?;
        for slot in self.architecture.param_specs() {
            if let Some(weight) = self.weights.get_mut(&slot.name)
                && slot.is_of_head()
            {
                // Rows of each horizon: no voice and voice.
                let pairs = weight.reshape([old.len() as i64, -1]);
                let rows: Vec<Tensor> = places.iter().map(|place| place.row(&pairs)).collect();
                *weight = Tensor::stack(&rows, 0).reshape(&slot.shape);
            }
        }
        Ok(self)
    }
}

/// The position of a horizon between two others, or beyond the first or last.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Between {
    longer: usize,
    shorter: usize,
    /// Distance from the longer one as a fraction of their distance, 0 to 1.
    shorter_part: f64,
}

impl Between {
    /// `horizons` has the largest first.
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
