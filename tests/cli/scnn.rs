//! An SCNN checkpoint in the built program: its windows have 115 frames, and its decisions are for
//! the frame at their centre.

use std::f64::consts::TAU;
use std::path::Path;

use tch::{Device, Kind, Tensor};
use vocald::decision::OperatingPoint;
use vocald::frontend::{LOG_FLOOR, WindowLength};
use vocald::model::SCNN;
use vocald::model::layers::Weights;
use vocald::model::{
    Architecture, Checkpoint, Family, FrontendSettings, LevelMode, Metadata, Normalisation,
};

use crate::support::program::{messages, of_type, run, vocald};

const SILENCE_S: f64 = 2.0;
const TONE_S: f64 = 0.5;
const SOUND_S: f64 = 4.5;
/// The maxima before the dense layers reach over nine frames, four on each side of the centre; a
/// frame covers half its 1024 samples on each side of its centre.
const REACH_S: f64 = (4.0 * 315.0 + 512.0) / 22_050.0;
/// From a window to the next.
const HOP_S: f64 = 1575.0 / 22_050.0;

/// A network that outputs voice where there is sound in the frames around the centre: every layer
/// passes its first channel on, and the first dense layer reads the middle of 11 places.
fn hears_the_centre(path: &Path) {
    let architecture = Architecture {
        family: Family::Scnn,
        members: 1,
        horizons: 1,
        speech: false,
    };
    let options = (Kind::Float, Device::Cpu);
    let weight = |name: &str, shape: &[i64]| {
        if name.ends_with("norm.weight") || name.ends_with("running_var") {
            return Tensor::ones(shape, options);
        }
        let tensor = Tensor::zeros(shape, options);
        if name.ends_with("conv.weight") {
            let _ = tensor.get(0).get(0).get(1).get(1).fill_(1.0);
        } else if name == "dense.0.linear.weight" {
            let _ = tensor.get(0).narrow(0, 5 * 7, 7).fill_(1.0);
        } else if name == "dense.1.linear.weight" {
            let _ = tensor.get(0).get(0).fill_(1.0);
        } else if name == "head.weight" {
            let _ = tensor.get(1).get(0).fill_(10.0);
        } else if name == "head.bias" {
            let _ = tensor.get(1).fill_(-5.0);
        }
        tensor
    };
    let param_specs = architecture.param_specs();
    let weights: Weights = param_specs
        .iter()
        .map(|slot| (slot.name.clone(), weight(&slot.name, &slot.shape)))
        .collect();
    let point = OperatingPoint {
        confirm_n: 1,
        confirm_m: 1,
        min_voice_s: 0.0,
        min_gap_s: 0.0,
        enter: 0.5,
        reentry: None,
        leave: 0.5,
        threshold: 0.5,
    };
    let checkpoint = Checkpoint {
        metadata: Metadata {
            format_version: 1,
            name: "centre".into(),
            architecture: SCNN.into(),
            depth: None,
            members: 1,
            alternating: false,
            frontend: FrontendSettings::of(WindowLength::FRAMES_115),
            level: LevelMode::Absolute,
            horizons_frames: vec![57],
            overlap_averaging: false,
            operating_points: vec![point],
            speech: None,
            default_horizon_frames: 57,
            trained_on: vec![],
            figures: Default::default(),
            license: "CC0-1.0".into(),
        },
        architecture,
        // Digital silence is at 0, and all sound above it.
        normalisation: Normalisation {
            level: LevelMode::Absolute,
            mean: [LOG_FLOOR.ln(); 80],
            std: [1.0; 80],
        },
        weights,
    };
    checkpoint.write(path).unwrap();
}

/// Silence, a tone, silence.
fn tone(path: &Path) {
    let rate_hz = 22_050;
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..(SOUND_S * f64::from(rate_hz)) as u32 {
        let t = f64::from(n) / f64::from(rate_hz);
        let sounds = (SILENCE_S..SILENCE_S + TONE_S).contains(&t);
        let sample = if sounds {
            (t * 440.0 * TAU).sin() * 0.3
        } else {
            0.0
        };
        writer.write_sample(sample as f32).unwrap();
    }
    writer.finalize().unwrap();
}

/// Time and state of every decision: one for every window of 115 frames, and voice where the tone is
/// within reach of the centre, to a hop and not to half a window.
fn assert_right(decisions: &[(f64, bool)]) {
    // 4.5 s are 99 225 samples, a window 114 * 315 + 1024.
    assert_eq!(decisions.len(), (99_225 - 36_934) / 1575 + 1);
    for (n, &(t, voice)) in decisions.iter().enumerate() {
        let centre_s = (n as f64 * 1575.0 + 57.0 * 315.0 + 512.0) / 22_050.0;
        assert!((t - centre_s).abs() < 1e-5, "window {n} speaks of {t}");
        if (SILENCE_S - REACH_S + HOP_S..SILENCE_S + TONE_S + REACH_S - HOP_S).contains(&t) {
            assert!(voice, "at {t} there is a tone");
        }
        if !(SILENCE_S - REACH_S..SILENCE_S + TONE_S + REACH_S).contains(&t) {
            assert!(!voice, "at {t} there is silence");
        }
    }
}

#[test]
fn detect_and_run_decide_on_the_centre_of_115_frames() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    hears_the_centre(&at.join("centre.safetensors"));
    tone(&at.join("tone.wav"));

    let line = "detect --model centre.safetensors --device cpu tone.wav --format csv";
    let output = run(vocald(line).current_dir(at));
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    let rows = output.out.lines().skip(1).map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        (cells[0].parse().unwrap(), cells[2] == "1")
    });
    let detected: Vec<(f64, bool)> = rows.collect();
    assert_right(&detected);

    let line = "run --model centre.safetensors --device cpu tone.wav --pace max";
    let output = run(vocald(line).current_dir(at));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let messages = messages(&output.out);
    let hello = of_type(&messages, "hello")[0];
    let lookahead_s = hello["lookahead"].as_f64().unwrap();
    assert!((lookahead_s - (57.0 * 315.0 + 512.0) / 22_050.0).abs() < 1e-9);
    let live: Vec<(f64, bool)> = of_type(&messages, "decision")
        .into_iter()
        .map(|m| (m["t"].as_f64().unwrap(), m["voice"].as_bool().unwrap()))
        .collect();
    assert_right(&live);
}

#[test]
fn what_the_program_says_of_an_scnn() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    hears_the_centre(&at.join("centre.safetensors"));

    let output = run(vocald("model list --models .").current_dir(at));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    let lines: Vec<Vec<String>> = output.out.lines().map(words).collect();
    for expected in [
        "scnn - 1.41 1.4",
        "se_resnet 14 2.80 2.8",
        "centre scnn - 57 ./centre.safetensors",
    ] {
        let expected: Vec<String> = words(expected);
        assert!(
            lines.contains(&expected),
            "{expected:?} in:\n{}",
            output.out
        );
    }

    let output = run(vocald("model info centre.safetensors").current_dir(at));
    assert!(output.out.starts_with("centre: scnn\n"), "{}", output.out);
    assert!(output.out.contains("1408898"), "{}", output.out);

    let output =
        run(vocald("bench --model centre.safetensors --device cpu --passes 1").current_dir(at));
    assert_eq!(output.code, Some(0), "{}", output.err);

    let mut short = hound::WavWriter::create(
        at.join("short.wav"),
        hound::WavSpec {
            channels: 1,
            sample_rate: 22_050,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        },
    )
    .unwrap();
    for _ in 0..36_933 {
        short.write_sample(0i16).unwrap();
    }
    short.finalize().unwrap();
    let line = "detect --model centre.safetensors --device cpu short.wav";
    let output = run(vocald(line).current_dir(at));
    assert!(output.err.contains("a window (1.675 s)"), "{}", output.err);
}
