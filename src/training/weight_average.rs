//! Several trainings of one network as one checkpoint.

use tch::{Kind, Tensor};

use crate::model::{Checkpoint, LevelMode};

/// The mean of the checkpoints' weights, which often does better on unheard music than any of them
/// where they went out from the same weights (Wortsman et al., "Model soups", ICML 2022); the weights
/// that they went out from may be among them (Wortsman et al., "Robust fine-tuning", CVPR 2022). Its
/// windows are of one level if those of any of them are. What else it holds is the first one's. The
/// error is a sentence.
pub fn average(checkpoints: Vec<Checkpoint>) -> Result<Checkpoint, String> {
    let count = checkpoints.len() as f64;
    let mut others = checkpoints.into_iter();
    let mut mean = others.next().ok_or("there is no checkpoint to average")?;
    // In 64 bits, so that the order does not matter.
    let doubles = |weight: &mut Tensor| *weight = weight.to_kind(Kind::Double);
    mean.weights.values_mut().for_each(doubles);
    for other in others {
        let (a, b) = (&mean.metadata, &other.metadata);
        if (mean.architecture, &a.horizons_frames) != (other.architecture, &b.horizons_frames)
            || !mean.normalisation.has_bands_of(&other.normalisation)
        {
            return Err(format!(
                "{} and {} cannot be averaged: network, horizons and normalisation must be the same, \
                 as they are in trainings that went out from one checkpoint",
                a.name, b.name
            ));
        }
        if other.normalisation.level == LevelMode::Relative {
            mean.normalisation.level = LevelMode::Relative;
            mean.metadata.level = LevelMode::Relative;
        }
        mean.metadata.add_trained_on(&b.trained_on);
        for (name, sum) in &mut mean.weights {
            *sum = &*sum + &other.weights[name];
        }
    }
    for sum in mean.weights.values_mut() {
        *sum = (&*sum / count).to_kind(Kind::Float);
    }
    Ok(mean)
}
