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
pub(crate) fn checkpoint(family: Family, members: usize, alternating: bool) -> Checkpoint {
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

/// The network in float16, or a line that says that the processor has none.
fn with_float16(compiled: Compiled) -> Option<Compiled> {
    let float16 = compiled.float16();
    if float16.is_none() {
        println!("skipped: these instructions include no AVX512-FP16");
    }
    float16
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
            let compiled = Compiled::new(&checkpoint, set, 16).unwrap();
            let mut bfloat16 = compiled.clone().bfloat16();
            let apart = difference(&checkpoint, &mut bfloat16);
            assert!((1e-7..0.02).contains(&apart), "{family}, {set:?}: {apart}");
            if let Some(mut float16) = with_float16(compiled) {
                let apart = difference(&checkpoint, &mut float16);
                assert!((1e-7..0.005).contains(&apart), "{family}, {set:?}: {apart}");
            }
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
            let bits = |mut compiled: Compiled| {
                let p = compiled.probabilities(&windows, &numbers);
                p.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let compile = |at_once: usize| Compiled::new(&checkpoint, set, at_once).unwrap();
            let alone = bits(compile(1));
            assert_eq!(bits(compile(2)), alone);
            assert_eq!(bits(compile(16)), alone);
            if let Some(float16) = with_float16(compile(1)) {
                let alone = bits(float16);
                for at_once in [2, 16] {
                    assert_eq!(bits(compile(at_once).float16().unwrap()), alone);
                }
            }
        }
    }
}

/// Multiplies the weights of a layer.
pub(crate) fn scale(checkpoint: &mut Checkpoint, layer: &str, factor: f64) {
    let weight = checkpoint.weights.get_mut(&format!("{layer}.weight"));
    let weight = weight.unwrap();
    *weight = &*weight * factor;
}

#[test]
fn numbers_too_large_for_32_bits_never_become_a_prediction() {
    let _exclusive = exclusive();
    let se_resnet = Family::SeResNet(Depth::D14);
    for set in sets() {
        for (family, layer) in [
            (se_resnet, "stem.conv"),
            (se_resnet, "stages.0.1.conv1"),
            (se_resnet, "stages.1.0.down.conv"),
            (Family::Scnn, "convolutions.0.conv"),
        ] {
            let mut checkpoint = checkpoint(family, 1, false);
            scale(&mut checkpoint, layer, 1e37);
            let values = checkpoint.architecture.features().values();
            let float32 = Compiled::new(&checkpoint, set, 2).unwrap();
            for mut compiled in [float32.clone(), float32.bfloat16()] {
                let p = compiled.probabilities(&vec![1e6; values], &[0]);
                assert!(p.iter().all(|p| p.is_nan()), "{layer}, {set:?}: {p:?}");
            }
        }
        // The next pass starts anew.
        for family in [se_resnet, Family::Scnn] {
            let checkpoint = checkpoint(family, 1, false);
            let values = checkpoint.architecture.features().values();
            let windows = [vec![0.0; values], vec![f32::NAN; values]].concat();
            let mut compiled = Compiled::new(&checkpoint, set, 2).unwrap();
            let p = compiled.probabilities(&windows, &[0, 1]);
            let (good, bad) = p.split_at(p.len() / 2);
            assert!(good.iter().all(|p| p.is_finite()), "{family}: {good:?}");
            assert!(bad.iter().all(|p| p.is_nan()), "{family}: {bad:?}");
            let p = compiled.probabilities(&windows[..values], &[2]);
            assert_eq!(p, good);
        }
    }
}

#[test]
fn numbers_too_large_for_float16_never_become_a_prediction() {
    let _exclusive = exclusive();
    for set in sets() {
        for layer in [
            "stem.conv",
            "stages.0.1.conv1",
            "stages.1.0.down.conv",
            "head",
        ] {
            let mut checkpoint = checkpoint(Family::SeResNet(Depth::D14), 1, false);
            scale(&mut checkpoint, layer, 1e4);
            let Some(mut float16) = with_float16(Compiled::new(&checkpoint, set, 16).unwrap())
            else {
                continue;
            };
            let values = checkpoint.architecture.features().values();
            let good = vec![0.0; values];
            let loud = vec![1e4; values];
            let p = float16.probabilities(&loud, &[0]);
            assert!(p.iter().all(|p| p.is_nan()), "{layer}: {p:?}");
            // The next pass starts anew.
            checkpoint = self::checkpoint(Family::SeResNet(Depth::D14), 1, false);
            let mut float16 = Compiled::new(&checkpoint, set, 16)
                .unwrap()
                .float16()
                .unwrap();
            assert!(float16.probabilities(&vec![1e6; values], &[0])[0].is_nan());
            assert!(float16.probabilities(&good, &[1])[0].is_finite());
        }
    }
}

#[test]
fn a_network_with_weights_too_large_for_float16_is_not_compiled_for_it() {
    let _exclusive = exclusive();
    for set in sets() {
        let mut checkpoint = checkpoint(Family::SeResNet(Depth::D14), 1, false);
        scale(&mut checkpoint, "stem.conv", 1e9);
        let compiled = Compiled::new(&checkpoint, set, 1).unwrap();
        assert!(compiled.float16().is_none());
    }
}
