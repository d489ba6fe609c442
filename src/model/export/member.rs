//! The networks of an ensemble, one by one, under the names of a single network.

use tch::Tensor;

use crate::model::architecture::{Architecture, INPUT};
use crate::model::checkpoint::Checkpoint;
use crate::model::layers::{Weights, linear};
use crate::model::network::own_weights;

/// One network of a checkpoint.
pub(super) struct Member {
    /// Factor and summand of each band, from the checkpoint's normalisation to the member's own.
    pub input: Option<[Tensor; 2]>,
    /// The weights of a single network.
    pub weights: Weights,
}

/// Every network of the checkpoint, in the order in which members alternate.
pub(super) fn members(checkpoint: &Checkpoint) -> Vec<Member> {
    let weights = &checkpoint.weights;
    let member = |number| {
        let weights = own_weights(weights, number);
        Member {
            input: Some(linear(&weights, INPUT)),
            weights,
        }
    };
    match checkpoint.architecture.members {
        1 => vec![Member {
            input: None,
            weights: copy(weights),
        }],
        members => (0..members).map(member).collect(),
    }
}

/// The architecture of each of them.
pub(super) fn single(checkpoint: &Checkpoint) -> Architecture {
    Architecture {
        members: 1,
        ..checkpoint.architecture
    }
}

fn copy(weights: &Weights) -> Weights {
    let shared = |(name, weight): (&String, &Tensor)| (name.clone(), weight.shallow_clone());
    weights.iter().map(shared).collect()
}
