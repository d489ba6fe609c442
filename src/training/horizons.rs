//! A checkpoint at other horizons, as the start of a training.

use tch::Tensor;

use crate::decision::OperatingPoint;
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
        let nearest = |points: &[OperatingPoint]| {
            let points = places.iter().map(|place| points[place.nearest()]);
            points.collect()
        };
        self.metadata.operating_points = nearest(&self.metadata.operating_points);
        if let Some(speech) = &mut self.metadata.speech {
            speech.operating_points = nearest(&speech.operating_points);
        }
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
                // Pairs of rows, one for each horizon: of voice, then of speech if there is that output.
                let groups = weight.reshape([-1, old.len() as i64, 2 * row_values(weight)]);
                let groups = groups.unbind(0);
                let groups = groups.iter().flat_map(|pairs| {
                    places
                        .iter()
                        .map(|place| place.row(pairs))
                        .collect::<Vec<_>>()
                });
                let rows: Vec<Tensor> = groups.collect();
                *weight = Tensor::stack(&rows, 0).reshape(&slot.shape);
            }
        }
        Ok(self)
    }
}

/// Values in a row of a weight, or 1 of a bias.
fn row_values(weight: &Tensor) -> i64 {
    weight.size().get(1).copied().unwrap_or(1)
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
