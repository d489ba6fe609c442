//! The precision that a network gets on this processor.

use tch::Device;
use vocald::frontend::LOG_FLOOR;
use vocald::inference::ComputePrecision::{self, Auto};
use vocald::inference::compute_precision::faster_than_float32;
use vocald::inference::engine::built_in;
use vocald::inference::forward_pass::ForwardPass;
use vocald::inference::{PrecisionError, WeightPrecision};
use vocald::model::compiled::{Compiled, InstructionSet};
use vocald::model::{Checkpoint, Depth, Family, LevelMode};

use crate::compiled::{checkpoint, scale};
use crate::support::libtorch::exclusive;

const SE_RESNET: Family = Family::SeResNet(Depth::D14);

/// Whether this processor has AVX512-FP16; a line says if not.
fn has_float16() -> bool {
    let found = InstructionSet::detect().is_some_and(InstructionSet::has_float16);
    if !found {
        println!("skipped: this processor has no AVX512-FP16");
    }
    found
}

/// A checkpoint to whose network level is no information.
fn relative(family: Family) -> Checkpoint {
    let mut checkpoint = checkpoint(family, 1, false);
    checkpoint.normalisation.level = LevelMode::Relative;
    checkpoint
}

/// The precision that a network gets.
fn precision(checkpoint: &Checkpoint, requested: ComputePrecision) -> WeightPrecision {
    let pass = ForwardPass::new(checkpoint, Device::Cpu, requested, 16);
    pass.unwrap().precision()
}

#[test]
fn float16_is_refused_where_the_processor_or_a_weight_forbids_it() {
    let _exclusive = exclusive();
    let float16: ComputePrecision = "float16".parse().unwrap();
    assert_eq!(float16.check(Device::Cuda(0)), Ok(()));
    let mut checkpoint = checkpoint(Family::Scnn, 1, false);
    scale(&mut checkpoint, "dense.0.linear", 1e9);
    let refused = ForwardPass::new(&checkpoint, Device::Cpu, float16, 1).err();
    let expected = match has_float16() {
        true => PrecisionError::LargeWeight,
        false => PrecisionError::NoFloat16,
    };
    assert_eq!(refused, Some(expected));
    assert_eq!(precision(&checkpoint, Auto), WeightPrecision::Float32);
}

#[test]
fn windows_too_large_for_float16_are_computed_in_32_bits_where_auto_took_it() {
    let _exclusive = exclusive();
    if !has_float16() {
        return;
    }
    let mut checkpoint = checkpoint(SE_RESNET, 2, true);
    checkpoint.normalisation.level = LevelMode::Relative;
    let values = checkpoint.architecture.features().values();
    // Of each member an ordinary window and one that is too large.
    let windows = [0.0, 0.5, 1e6, -1e6].map(|value| vec![value; values]);
    let pass = |requested| {
        let mut first = ForwardPass::new(&checkpoint, Device::Cpu, requested, 16).unwrap();
        let mut other = first.share().unwrap();
        let together = first.probabilities(&windows.concat(), &[0, 1, 2, 3]);
        let alone = (0..4).flat_map(|n| other.probabilities(&windows[n as usize], &[n]));
        let alone: Vec<f32> = alone.collect();
        let bits = |p: &[f32]| p.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
        if together.iter().all(|p| p.is_finite()) {
            assert_eq!(bits(&together), bits(&alone), "{requested:?}");
        }
        (first.precision(), alone)
    };
    let (_, exact) = pass(ComputePrecision::Float32);
    let (precision, found) = pass(Auto);
    assert_eq!(precision, WeightPrecision::Float16);
    let apart = exact.iter().zip(&found).map(|(a, b)| (a - b).abs());
    assert!(
        apart.clone().all(|apart| apart < 0.005),
        "{exact:?} {found:?}"
    );
    // Requested as such, float16 is not replaced.
    let (_, found) = pass(ComputePrecision::Float16);
    let (ordinary, large) = found.split_at(found.len() / 2);
    assert!(ordinary.iter().all(|p| p.is_finite()), "{ordinary:?}");
    assert!(large.iter().all(|p| p.is_nan()), "{large:?}");
}

/// A window that is normalised as its network requires, with this log-mel value in one frame of otherwise silence.
fn one_loud_frame(checkpoint: &Checkpoint, log_mel: f32) -> Vec<f32> {
    let values = checkpoint.architecture.features().values();
    let mut window = vec![LOG_FLOOR.ln(); values];
    window[values / 2..][..80].fill(log_mel);
    let mut normalised = vec![0.0; values];
    checkpoint.normalisation.apply(&window, &mut normalised);
    normalised
}

#[test]
fn auto_takes_float16_for_networks_to_which_level_is_no_information() {
    let _exclusive = exclusive();
    if !has_float16() {
        return;
    }
    for checkpoint in [
        built_in().unwrap(),
        relative(Family::Scnn),
        relative(SE_RESNET),
    ] {
        assert_eq!(checkpoint.normalisation.level, LevelMode::Relative);
        let found = precision(&checkpoint, Auto);
        assert_eq!(
            found,
            WeightPrecision::Float16,
            "{}",
            checkpoint.architecture.family
        );
    }
}

#[test]
fn auto_tries_bfloat16_for_weights_beyond_the_cache_only() {
    let _exclusive = exclusive();
    let Some(set) = InstructionSet::detect() else {
        println!("skipped: this processor has neither AVX-512 nor AVX2");
        return;
    };
    let tried = |checkpoint: &Checkpoint, has_float16| {
        let bytes = Compiled::new(checkpoint, set, 1).unwrap().weight_bytes();
        faster_than_float32(has_float16, bytes).collect::<Vec<_>>()
    };
    use WeightPrecision::{Bfloat16, Float16};
    let small = built_in().unwrap();
    assert_eq!(tried(&small, false), []);
    assert_eq!(tried(&small, true), [Float16]);
    let large = checkpoint(Family::SeResNet(Depth::D34), 1, false);
    assert_eq!(tried(&large, false), [Bfloat16]);
    assert_eq!(tried(&large, true), [Float16, Bfloat16]);
}

#[test]
fn auto_avoids_float16_where_loud_sound_beside_silence_has_numbers_too_large_for_it() {
    let _exclusive = exclusive();
    if !has_float16() {
        return;
    }
    // The same function, of larger numbers between two layers.
    const FACTOR: f64 = 2048.0;
    let mut checkpoint = relative(SE_RESNET);
    scale(&mut checkpoint, "stages.0.0.norm1", FACTOR);
    let bias = checkpoint.weights.get_mut("stages.0.0.norm1.bias").unwrap();
    *bias = &*bias * FACTOR;
    scale(&mut checkpoint, "stages.0.0.conv2", FACTOR.recip());
    let set = InstructionSet::detect().unwrap();
    let compiled = Compiled::new(&checkpoint, set, 1).unwrap();
    let mut float16 = compiled.float16().unwrap();
    let mut at = |log_mel| float16.probabilities(&one_loud_frame(&checkpoint, log_mel), &[0]);
    assert!(at(3.0).iter().all(|p| p.is_finite()));
    assert!(at(30.0).iter().all(|p| p.is_nan()));
    assert_eq!(precision(&checkpoint, Auto), WeightPrecision::Float32);
}
