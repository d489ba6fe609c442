//! The average of several checkpoints' weights.

use tch::{Kind, Tensor};

use crate::model::{Checkpoint, LevelMode, MetadataError};

/// Checkpoints whose weights cannot be averaged.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum AverageError {
    /// No checkpoint is given.
    #[error("there is no checkpoint to average")]
    Empty,
    /// Two checkpoints have different networks or inputs.
    #[error(
        "{first} and {other} cannot be averaged: network, horizons and normalisation must be the same, as they \
         are in trainings that went out from one checkpoint"
    )]
    Mismatch { first: String, other: String },
    /// A network cannot have the output for speech that another one has.
    #[error("the average {0}")]
    Invalid(#[from] MetadataError),
}

/// Averages the weights of checkpoints that were fine-tuned from the same weights.
///
/// The average often does better on unseen music than any of them (Wortsman et al., "Model soups", ICML
/// 2022); the weights that they started from may be among them (Wortsman et al., "Robust fine-tuning of
/// zero-shot models", CVPR 2022). Its level mode is relative if that of any of them is. It has an output for speech if
/// any of them has, averaged over those. Everything else is taken from the first.
///
/// # Errors
/// If there is no checkpoint, or network, horizons or normalisation differ.
pub fn average(checkpoints: Vec<Checkpoint>) -> Result<Checkpoint, AverageError> {
    let count = checkpoints.len() as f64;
    let with_speech = checkpoints.iter().filter(|c| c.architecture.speech).count();
    let same_outputs = |c: Checkpoint| c.with_speech(with_speech > 0);
    let mut others = checkpoints.into_iter().map(same_outputs);
    let mut mean = others.next().ok_or(AverageError::Empty)??;
    // In 64 bits, so that the order of the checkpoints does not matter.
    let doubles = |weight: &mut Tensor| *weight = weight.to_kind(Kind::Double);
    mean.weights.values_mut().for_each(doubles);
    for other in others {
        let other = other?;
        let (a, b) = (&mean.metadata, &other.metadata);
        if (mean.architecture, &a.horizons_frames) != (other.architecture, &b.horizons_frames)
            || !mean.normalisation.has_bands_of(&other.normalisation)
        {
            return Err(AverageError::Mismatch {
                first: a.name.clone(),
                other: b.name.clone(),
            });
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
    // Those without the output added zeros to it.
    if with_speech > 0 {
        mean.scale_speech(count / with_speech as f64);
    }
    Ok(mean)
}
