//! Networks that were not trained, another one for every seed.

use vocald::model::layers::Weights;
use vocald::model::network::initial_weights;
use vocald::model::{Architecture, Checkpoint};

use super::libtorch::seeded;
use super::program;

/// Weights drawn with a seed.
pub fn drawn(architecture: Architecture, seed: i64) -> Weights {
    let _seeded = seeded(seed);
    initial_weights(architecture)
}

/// The tests' model with other weights and another normalisation.
pub fn network(seed: i64) -> Checkpoint {
    let mut checkpoint = Checkpoint::read(program::model()).unwrap();
    checkpoint.weights = drawn(checkpoint.architecture, seed);
    for band in 0..80 {
        checkpoint.normalisation.mean[band] = -4.0 - 0.3 * seed as f32 - 0.01 * band as f32;
        checkpoint.normalisation.std[band] = 1.0 + 0.2 * seed as f32 + 0.005 * band as f32;
    }
    checkpoint.metadata.name = format!("network-{seed}");
    checkpoint.metadata.trained_on = vec![format!("sound {seed}")];
    checkpoint
}
