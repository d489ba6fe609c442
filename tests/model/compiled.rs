//! Compiled networks: the same function as libtorch's, whatever the windows beside one.

use tch::{Device, Kind, Tensor};
use vocald::model::compiled::{Compiled, InstructionSet, WeightPrecision};
use vocald::model::{Architecture, Checkpoint, Depth, Family, Network};

use crate::network::trained_like;
use crate::support::libtorch::exclusive;
use crate::support::untrained;

const WINDOWS: usize = 5;

fn families() -> Vec<Family> {
    let depths = Depth::ALL.into_iter().map(Family::SeResNet);
    depths.chain([Family::Scnn]).collect()
}

/// A checkpoint of this architecture with statistics as training leaves them.
fn checkpoint(family: Family, members: usize, alternating: bool) -> Checkpoint {
    let mut checkpoint = untrained::network(0);
    checkpoint.architecture = Architecture {
        family,
        members,
        horizons: 3,
    };
    checkpoint.metadata.members = members;
    checkpoint.metadata.alternating = alternating;
    checkpoint.weights = trained_like(checkpoint.architecture);
    checkpoint
}

/// The largest difference between the probabilities of libtorch and those of the compiled network.
fn difference(checkpoint: &Checkpoint, set: InstructionSet, precision: WeightPrecision) -> f32 {
    let network = Network::new(checkpoint.architecture, &checkpoint.weights)
        .alternating(checkpoint.metadata.alternating);
    let windows = Tensor::randn(network.input_shape(WINDOWS), (Kind::Float, Device::Cpu));
    let numbers: Vec<u64> = (7..).take(WINDOWS).collect();
    let expected = tch::no_grad(|| network.probabilities_of_stream(&windows, &numbers));
    let expected = vocald::model::float_values(&expected);
    let mut compiled = Compiled::new(checkpoint, set, precision, 2).unwrap();
    let found = compiled.probabilities(&vocald::model::float_values(&windows), &numbers);
    assert_eq!(found.len(), expected.len());
    let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

#[test]
fn a_compiled_network_predicts_as_libtorch() {
    let _exclusive = exclusive();
    let Some(best) = InstructionSet::detect() else {
        println!("skipped: this processor has none of the instruction sets");
        return;
    };
    for set in [best, InstructionSet::Avx2] {
        for family in families() {
            let checkpoint = checkpoint(family, 1, false);
            let apart = difference(&checkpoint, set, WeightPrecision::Float32);
            assert!(apart < 1e-4, "{family} with {set:?}: {apart}");
        }
    }
}
