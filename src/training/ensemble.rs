//! Several networks as one checkpoint whose prediction is their mean.

use tch::Tensor;

use crate::model::architecture::{INPUT, member_prefix};
use crate::model::layers::Weights;
use crate::model::{Checkpoint, MetadataError};

/// Checkpoints that cannot form an ensemble.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum EnsembleError {
    /// No checkpoint is given.
    #[error("there is no checkpoint to combine")]
    Empty,
    /// Two checkpoints have different networks or inputs.
    #[error(
        "{first} and {other} cannot form an ensemble: network, horizons and level must be the same"
    )]
    Mismatch { first: String, other: String },
    /// A member is an ensemble.
    #[error("{0} is an ensemble already; name its members")]
    Nested(String),
    /// The ensemble is not a valid checkpoint.
    #[error("the combination {0}")]
    Invalid(#[from] MetadataError),
}

/// Combines checkpoints to one whose prediction for a window is the mean of its members' log-odds.
///
/// Unlike for an [`average`](crate::training::weight_average::average) of weights, the members need have
/// nothing in common but their input and outputs. The ensemble gains more the less their errors agree (Hansen
/// & Salamon, "Neural network ensembles", 1990), and takes as many times the work as it has members.
/// Everything but the weights is taken from the first.
///
/// # Errors
/// If there is no checkpoint, too many, one is an ensemble, or network, horizons or level differ.
pub fn ensemble(checkpoints: Vec<Checkpoint>) -> Result<Checkpoint, EnsembleError> {
    let mut weights = Weights::new();
    for (number, member) in checkpoints.iter().enumerate() {
        let first = &checkpoints[0];
        let (a, b) = (&first.metadata, &member.metadata);
        if (first.architecture, &a.horizons_frames, a.level)
            != (member.architecture, &b.horizons_frames, b.level)
        {
            return Err(EnsembleError::Mismatch {
                first: a.name.clone(),
                other: b.name.clone(),
            });
        }
        if member.architecture.members > 1 {
            return Err(EnsembleError::Nested(b.name.clone()));
        }
        let prefix = member_prefix(number);
        let change = member.normalisation.after(&first.normalisation);
        for (part, values) in ["weight", "bias"].into_iter().zip(change) {
            weights.insert(
                format!("{prefix}{INPUT}.{part}"),
                Tensor::from_slice(&values),
            );
        }
        for (name, weight) in &member.weights {
            weights.insert(prefix.clone() + name, weight.shallow_clone());
        }
    }
    let members = checkpoints.len();
    let trained_on: Vec<String> = checkpoints
        .iter()
        .flat_map(|c| c.metadata.trained_on.clone())
        .collect();
    let mut all = checkpoints.into_iter().next().ok_or(EnsembleError::Empty)?;
    if members > 1 {
        all.metadata.members = members;
        all.metadata.add_trained_on(&trained_on);
        all.architecture = all.metadata.validate()?;
        all.weights = weights;
    }
    Ok(all)
}

/// The networks of an ensemble, each as a checkpoint that can be trained further; [`ensemble`] of them is the same
/// again. A checkpoint of one network is its own member.
///
/// # Errors
/// If the checkpoint lacks weights of a member.
pub fn members(checkpoint: &Checkpoint) -> Result<Vec<Checkpoint>, EnsembleError> {
    let count = checkpoint.architecture.members;
    (0..count)
        .map(|number| member(checkpoint, number))
        .collect()
}

fn member(checkpoint: &Checkpoint, number: usize) -> Result<Checkpoint, EnsembleError> {
    let mut metadata = checkpoint.metadata.clone();
    let mut normalisation = checkpoint.normalisation.clone();
    let prefix = match checkpoint.architecture.members {
        1 => String::new(),
        _ => member_prefix(number),
    };
    let mut weights = Weights::new();
    let own = checkpoint.weights.iter();
    for (name, weight) in own.filter_map(|(name, w)| Some((name.strip_prefix(&prefix)?, w))) {
        let band = |band: usize| weight.double_value(&[band as i64]) as f32;
        // The member's input is normalised as that of the ensemble, times this weight, plus this bias.
        match name.strip_prefix(INPUT) {
            Some(".weight") => {
                normalisation.std = std::array::from_fn(|i| normalisation.std[i] / band(i))
            }
            Some(".bias") => {}
            _ => _ = weights.insert(name.to_owned(), weight.shallow_clone()),
        }
    }
    if let Some(bias) = checkpoint.weights.get(&format!("{prefix}{INPUT}.bias")) {
        let shift = |i: usize| bias.double_value(&[i as i64]) as f32 * normalisation.std[i];
        let mean = normalisation.mean;
        normalisation.mean = std::array::from_fn(|i| mean[i] - shift(i));
    }
    if checkpoint.architecture.members > 1 {
        metadata.name = format!("{}-{}", metadata.name, number + 1);
        metadata.members = 1;
        metadata.alternating = false;
        metadata.figures.clear();
    }
    Ok(Checkpoint {
        architecture: metadata.validate()?,
        metadata,
        normalisation,
        weights,
    })
}
