//! The output for speech in checkpoints and networks, and what is decided by it.

use proptest::prelude::*;
use serde_json::Value;
use tch::{Device, Kind, Tensor};
use vocald::decision::{
    Decider, Decision, Event, Horizon, NoSpeechOutput, OperatingPoint, OverlapAverage,
    SpeechHorizon, Suppression,
};
use vocald::frontend::Window;
use vocald::model::compiled::{Compiled, InstructionSet};
use vocald::model::layers::channels_last;
use vocald::model::{Checkpoint, HEAD, float_values};
use vocald::training::ensemble::ensemble;
use vocald::training::weight_average::average;
use vocald_client::message::Counts;

use crate::support::libtorch::exclusive;
use crate::support::untrained;

const WINDOWS: usize = 5;

/// The checkpoint with an output for speech of drawn weights.
fn speaking(checkpoint: Checkpoint) -> Checkpoint {
    let mut checkpoint = checkpoint.with_speech(true).unwrap();
    for (name, weight) in &mut checkpoint.weights {
        if name.contains(HEAD) {
            let rows = weight.size()[0] / 2;
            let drawn = Tensor::randn_like(&weight.narrow(0, rows, rows)) * 0.3;
            *weight = Tensor::cat(&[weight.narrow(0, 0, rows), drawn], 0);
        }
    }
    checkpoint
}

fn alternating_pair() -> Checkpoint {
    let mut pair = ensemble(vec![untrained::network(1), untrained::network(2)]).unwrap();
    pair.metadata.alternating = true;
    pair
}

/// Normalised windows, and their numbers.
fn windows() -> (Vec<f32>, Vec<u64>) {
    let windows = Tensor::randn([WINDOWS as i64, 80 * 80], (Kind::Float, Device::Cpu));
    (float_values(&windows), (0..WINDOWS as u64).collect())
}

#[test]
fn an_output_for_speech_leaves_the_outputs_for_voice_bit_identical() {
    let _exclusive = exclusive();
    let Some(set) = InstructionSet::detect() else {
        return;
    };
    let (values, numbers) = windows();
    for checkpoint in [untrained::network(1), alternating_pair()] {
        let before = checkpoint.shallow_clone();
        let after = speaking(checkpoint);
        let formats: [fn(Compiled) -> Option<Compiled>; 3] =
            [Some, |c| Some(c.bfloat16()), Compiled::float16];
        for format in formats {
            if format(Compiled::new(&before, set, 16).unwrap()).is_none() {
                println!("skipped: this processor has no AVX512-FP16");
                continue;
            }
            let predict = |checkpoint: &Checkpoint| {
                let compiled = Compiled::new(checkpoint, set, 16).unwrap();
                let mut compiled = format(compiled).unwrap();
                compiled.probabilities(&values, &numbers)
            };
            let (old, new) = (predict(&before), predict(&after));
            let horizons = before.architecture.horizons;
            assert_eq!(new.len(), 2 * old.len());
            for (old, new) in old.chunks(horizons).zip(new.chunks(2 * horizons)) {
                let bits = |p: &[f32]| p.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(old), bits(&new[..horizons]));
            }
        }
    }
}

#[test]
fn a_compiled_network_predicts_speech_as_libtorch() {
    let _exclusive = exclusive();
    let Some(set) = InstructionSet::detect() else {
        return;
    };
    let (values, numbers) = windows();
    for checkpoint in [untrained::network(1), alternating_pair()].map(speaking) {
        let mut compiled = Compiled::new(&checkpoint, set, 2).unwrap();
        let found = compiled.probabilities(&values, &numbers);
        let network = checkpoint.network(Device::Cpu);
        let input = Tensor::from_slice(&values).reshape(network.input_shape(WINDOWS));
        let input = channels_last(&input);
        let expected = tch::no_grad(|| network.probabilities_of_stream(&input, &numbers));
        assert_eq!(expected.size(), [WINDOWS as i64, 4]);
        for (a, b) in found.iter().zip(float_values(&expected)) {
            assert!((a - b).abs() < 1e-4, "{a} and {b}");
        }
    }
}

/// The metadata in a checkpoint's file.
fn metadata(checkpoint: &Checkpoint) -> Value {
    serde_json::to_value(&checkpoint.metadata).unwrap()
}

#[test]
fn files_of_voice_alone_do_not_mention_speech_and_others_keep_it() {
    let _exclusive = exclusive();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let plain = untrained::network(1);
    assert!(metadata(&plain).get("speech").is_none());
    let mut checkpoint = speaking(plain);
    let speech = checkpoint.metadata.speech.as_mut().unwrap();
    speech.suppression = Some(Suppression {
        from: 0.6,
        weight: 1.5,
    });
    checkpoint.round_to_half();
    checkpoint.write(&path).unwrap();
    let read = Checkpoint::read(&path).unwrap();
    assert_eq!(read.metadata, checkpoint.metadata);
    for (name, weight) in &checkpoint.weights {
        assert_eq!(&read.weights[name], weight, "{name}");
    }
    let without = read.with_speech(false).unwrap();
    assert_eq!(metadata(&without).get("speech"), None);
    assert!(!without.architecture.speech);
}

#[test]
fn averages_and_ensembles_carry_the_output_for_speech() {
    let _exclusive = exclusive();
    let one = speaking(untrained::network(1));
    let same = one.shallow_clone();
    let head = format!("{HEAD}.weight");
    let mean = average(vec![one.shallow_clone(), same]).unwrap();
    assert!(mean.architecture.speech);
    assert!(mean.weights[&head].allclose(&one.weights[&head], 1e-6, 1e-6, false));
    // Of those that have it: a checkpoint without it has no say.
    let joined = average(vec![untrained::network(1), one.shallow_clone()]).unwrap();
    let speech = |c: &Checkpoint| c.weights[&head].narrow(0, 2, 2);
    assert!(joined.architecture.speech);
    assert!(speech(&joined).allclose(&speech(&one), 1e-6, 1e-6, false));
    let pair = ensemble(vec![one.shallow_clone(), speaking(untrained::network(2))]).unwrap();
    assert!(pair.architecture.speech && pair.metadata.speech.is_some());
    let strangers = ensemble(vec![one, untrained::network(2)]);
    assert!(strangers.is_err());
}

#[test]
fn impossible_speech_is_refused() {
    let _exclusive = exclusive();
    let refused = |change: &dyn Fn(&mut Checkpoint)| {
        let mut checkpoint = speaking(untrained::network(1));
        change(&mut checkpoint);
        checkpoint.metadata.validate().unwrap_err().to_string()
    };
    let points = refused(&|c| {
        let speech = c.metadata.speech.as_mut().unwrap();
        speech.operating_points.truncate(1);
    });
    assert!(points.contains("one operating point for each horizon"));
    for (from, weight) in [(0.0, 1.0), (1.0, 1.0), (0.5, -1.0), (0.5, f32::NAN)] {
        let suppression = refused(&|c| {
            let speech = c.metadata.speech.as_mut().unwrap();
            speech.suppression = Some(Suppression { from, weight });
        });
        assert!(suppression.contains("impossible operating point"));
    }
}

proptest! {
    #[test]
    fn suppression_lowers_voice_the_more_the_likelier_speech_is(
        voice in 0.001f32..0.999,
        speech in 0.0f32..1.0,
        more in 0.0f32..1.0,
        from in 0.05f32..0.95,
        weight in 0.0f32..10.0,
    ) {
        let rule = Suppression { from, weight };
        let [less, more] = [speech.min(more), speech.max(more)].map(|s| rule.apply(voice, s));
        prop_assert!(more <= less + 1e-6 && less <= voice + 1e-6);
        prop_assert!((0.0..=1.0).contains(&more));
        if speech < from {
            prop_assert_eq!(rule.apply(voice, speech), voice);
        }
    }
}

fn decider(suppression: Option<Suppression>) -> Decider {
    let point = OperatingPoint {
        threshold: 0.5,
        enter: 0.5,
        reentry: None,
        leave: 0.5,
        confirm_n: 1,
        confirm_m: 1,
        min_voice_s: 0.0,
        min_gap_s: 0.0,
    };
    let horizon = Horizon {
        index: 0,
        frames: 9,
        point,
        speech: Some(SpeechHorizon { point, suppression }),
    };
    Decider::new(OverlapAverage::only_newest(&[9]), horizon).unwrap()
}

/// Decides on frame `n` from probabilities of voice and speech, as a network gives them.
fn decide(decider: &mut Decider, n: usize, p: &[f32; 2]) -> Decision {
    let window = Window::synthetic(n as u64 * 1575, vec![0.0; 80 * 80].into());
    let p = decider.probability(&window, p).unwrap();
    decider.frame(n as f64, p)
}

/// The states of what counts, and of speech, from probabilities of both.
fn states(mut decider: Decider, frames: &[[f32; 2]]) -> Vec<[bool; 2]> {
    let frames = frames.iter().enumerate();
    frames
        .map(|(n, p)| {
            let decision = decide(&mut decider, n, p);
            [decision.voice, decision.speech.unwrap().present]
        })
        .collect()
}

#[test]
fn voice_and_speech_are_decided_beside_each_other() {
    let frames = [[0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.1, 0.1]];
    assert_eq!(
        states(decider(None), &frames),
        [[true, false], [true, true], [false, true], [false, false]]
    );
    // A certain voice stays where somebody speaks too, an uncertain one does not.
    let rule = Suppression {
        from: 0.5,
        weight: 1.0,
    };
    let frames = [[0.99, 0.8], [0.6, 0.8], [0.6, 0.4]];
    assert_eq!(
        states(decider(Some(rule)), &frames),
        [[true, true], [false, true], [true, false]]
    );
}

#[test]
fn a_stream_counts_what_it_is_set_to() {
    let frames = [[0.9, 0.1], [0.1, 0.9], [0.1, 0.1]];
    let counted = |counts| {
        let states = states(decider(None).counting(counts).unwrap(), &frames);
        states.iter().map(|s| s[0]).collect::<Vec<_>>()
    };
    assert_eq!(counted(Counts::Singing), [true, false, false]);
    assert_eq!(counted(Counts::Speech), [false, true, false]);
    assert_eq!(counted(Counts::Either), [true, true, false]);
    let horizon = Horizon {
        speech: None,
        ..*decider(None).horizon()
    };
    let alone = Decider::new(OverlapAverage::only_newest(&[9]), horizon).unwrap();
    assert_eq!(alone.counting(Counts::Either).err(), Some(NoSpeechOutput));
}

#[test]
fn either_begins_with_the_first_and_ends_with_the_last() {
    let mut decider = decider(None).counting(Counts::Either).unwrap();
    let frames = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.1, 0.1]];
    let mut events = Vec::new();
    for (n, p) in frames.iter().enumerate() {
        let decision = decide(&mut decider, n, p);
        events.extend(decision.event);
    }
    let [Event::Onset { t_s }, Event::Offset { duration_s, .. }] = events[..] else {
        panic!("{events:?}");
    };
    assert!((0.0..=1.0).contains(&t_s) && (2.5..=4.0).contains(&duration_s));
    // What is open at a gap is closed once.
    decide(&mut decider, 9, &[0.9, 0.9]);
    let closed = decider.gap();
    assert!(closed.voice.is_some() && closed.speech.is_some());
    assert_eq!(decider.gap(), Default::default());
}
