//! Several networks as one checkpoint that asks all of them.

use tch::Tensor;

use crate::model::Checkpoint;
use crate::model::architecture::{INPUT, member_prefix};
use crate::model::layers::Weights;

/// A committee of the checkpoints' networks: its answer to a window is the mean of their log odds. Unlike
/// [`average`](crate::training::weight_average::average) it may be of trainings that have nothing in common, and is the better the less
/// they err alike (Hansen & Salamon, "Neural network ensembles", 1990), for as many times the work. What else it
/// holds is the first one's. The error is a sentence.
pub fn committee(checkpoints: Vec<Checkpoint>) -> Result<Checkpoint, String> {
    let mut weights = Weights::new();
    for (number, member) in checkpoints.iter().enumerate() {
        let first = &checkpoints[0];
        let (a, b) = (&first.metadata, &member.metadata);
        if (first.architecture, &a.horizons_frames, a.level)
            != (member.architecture, &b.horizons_frames, b.level)
        {
            return Err(format!(
                "{} and {} cannot answer together: network, horizons and level must be the same",
                a.name, b.name
            ));
        }
        if member.architecture.members > 1 {
            return Err(format!(
                "{} is a committee already; name its members",
                b.name
            ));
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
    let mut all = checkpoints
        .into_iter()
        .next()
        .ok_or("there is no checkpoint to ask")?;
    if members > 1 {
        all.metadata.members = members;
        all.metadata.add_trained_on(&trained_on);
        all.architecture = all.metadata.validate().map_err(|e| e.to_string())?;
        all.weights = weights;
    }
    Ok(all)
}
