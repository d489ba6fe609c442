//! Compiled networks: the same function as libtorch's, whatever the windows beside one.

use tch::{Device, Kind, Tensor};
use vocald::model::compiled::{Compiled, InstructionSet};
use vocald::model::{Architecture, Checkpoint, Depth, Family, Network, float_values};

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
        speech: false,
    };
    checkpoint.metadata.members = members;
    checkpoint.metadata.alternating = alternating;
    checkpoint.weights = trained_like(checkpoint.architecture);
    // Blocks that add little, as after training, so that 200 layers do not multiply a rounding error.
    for (name, tensor) in &mut checkpoint.weights {
        if name.contains("norm") && name.ends_with(".weight") && name.contains("stages") {
            *tensor = &*tensor * 0.5;
        }
    }
    checkpoint
}

/// The largest difference between the probabilities of libtorch and those of a compiled network.
fn difference(checkpoint: &Checkpoint, compiled: &mut Compiled) -> f32 {
    let network = Network::new(checkpoint.architecture, &checkpoint.weights)
        .alternating(checkpoint.metadata.alternating);
    let windows = Tensor::randn(network.input_shape(WINDOWS), (Kind::Float, Device::Cpu));
    let numbers: Vec<u64> = (7..).take(WINDOWS).collect();
    let expected = tch::no_grad(|| network.probabilities_of_stream(&windows, &numbers));
    let expected = float_values(&expected);
    let found = compiled.probabilities(&float_values(&windows), &numbers);
    assert_eq!(found.len(), expected.len());
    let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

/// The instruction sets of this processor.
fn sets() -> Vec<InstructionSet> {
    let Some(best) = InstructionSet::detect() else {
        println!("skipped: this processor has neither AVX-512 nor AVX2");
        return Vec::new();
    };
    // Whatever has AVX-512 has AVX2.
    let mut sets = vec![best, InstructionSet::Avx2];
    sets.dedup();
    sets
}

#[test]
fn a_compiled_network_predicts_as_libtorch() {
    let _exclusive = exclusive();
    for set in sets() {
        for family in families() {
            let checkpoint = checkpoint(family, 1, false);
            // Fewer windows in a pass than there are.
            let mut compiled = Compiled::new(&checkpoint, set, 2).unwrap();
            let apart = difference(&checkpoint, &mut compiled);
            assert!(apart < 1e-4, "{family} with {set:?}: {apart}");
        }
    }
}

#[test]
fn a_compiled_ensemble_predicts_as_libtorch() {
    let _exclusive = exclusive();
    for set in sets() {
        for alternating in [false, true] {
            let checkpoint = checkpoint(Family::SeResNet(Depth::D14), 2, alternating);
            let mut compiled = Compiled::new(&checkpoint, set, 16).unwrap();
            let apart = difference(&checkpoint, &mut compiled);
            assert!(apart < 1e-4, "alternating {alternating}, {set:?}: {apart}");
        }
    }
}

#[test]
fn weights_of_half_the_size_move_probabilities_little() {
    let _exclusive = exclusive();
    for set in sets() {
        for family in [Family::SeResNet(Depth::D14), Family::Scnn] {
            let checkpoint = checkpoint(family, 1, false);
            let mut compiled = Compiled::new(&checkpoint, set, 16).unwrap().halved();
            let apart = difference(&checkpoint, &mut compiled);
            assert!((1e-7..0.02).contains(&apart), "{family}, {set:?}: {apart}");
        }
    }
}

#[test]
fn predictions_do_not_depend_on_the_other_windows_of_a_pass() {
    let _exclusive = exclusive();
    for set in sets() {
        for family in [Family::SeResNet(Depth::D34), Family::Scnn] {
            let checkpoint = checkpoint(family, 1, false);
            let windows = Tensor::randn(
                [WINDOWS as i64, family.features().values() as i64],
                (Kind::Float, Device::Cpu),
            );
            let windows = float_values(&windows);
            let numbers: Vec<u64> = (0..).take(WINDOWS).collect();
            let predict = |at_once: usize| {
                let mut compiled = Compiled::new(&checkpoint, set, at_once).unwrap();
                compiled.probabilities(&windows, &numbers)
            };
            let bits = |p: Vec<f32>| p.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            let alone = bits(predict(1));
            assert_eq!(bits(predict(2)), alone);
            assert_eq!(bits(predict(16)), alone);
        }
    }
}
