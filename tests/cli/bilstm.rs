//! A Bi-LSTM checkpoint in the built program: it labels files on the common grid, whatever comes long
//! after does not matter to it, and it is refused where sound is live.

use std::path::Path;

use tch::Device;
use vocald::corpora::feature_cache::FeatureCache;
use vocald::corpora::load::{Coverage, load_labelled};
use vocald::decision::OperatingPoint;
use vocald::evaluation::scorer::TrackScorer;
use vocald::model::BILSTM;
use vocald::model::{
    Architecture, Checkpoint, Family, FrontendSettings, LevelMode, Metadata, Normalisation,
};

use crate::support::program::{run, sound, vocald};
use crate::support::untrained::drawn;

const RATE_HZ: u32 = 44_100;
/// From a decision to the next.
const HOP_S: f64 = 1575.0 / 22_050.0;
/// 768 frames of 315 samples, and half of 1024.
const LOOKAHEAD_S: f64 = (768.0 * 315.0 + 512.0) / 22_050.0;

/// Untrained weights: their outputs move with the sound.
fn untrained(path: &Path) -> Checkpoint {
    let architecture = Architecture {
        family: Family::BiLstm,
        members: 1,
        horizons: 1,
        speech: false,
    };
    let checkpoint = Checkpoint {
        metadata: Metadata {
            format_version: 1,
            name: "both-ways".into(),
            architecture: BILSTM.into(),
            depth: None,
            members: 1,
            alternating: false,
            frontend: FrontendSettings::of_features(Family::BiLstm.features()),
            level: LevelMode::Absolute,
            horizons_frames: vec![768],
            overlap_averaging: false,
            operating_points: vec![OperatingPoint::around(0.5)],
            speech: None,
            default_horizon_frames: 768,
            trained_on: vec![],
            figures: Default::default(),
            license: "CC0-1.0".into(),
        },
        architecture,
        normalisation: Normalisation {
            level: LevelMode::Absolute,
            mean: [-8.0; 80],
            std: [3.0; 80],
        },
        weights: drawn(architecture, 11),
    };
    checkpoint.write(path).unwrap();
    checkpoint
}

fn wav(path: &Path, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples
        .iter()
        .for_each(|x| writer.write_sample(*x).unwrap());
    writer.finalize().unwrap();
}

/// Time and probability of every decision.
fn detected(folder: &Path, file: &str) -> Vec<(f64, f64)> {
    let line = format!("detect --model both-ways.safetensors --device cpu {file} --format csv");
    let output = run(vocald(&line).current_dir(folder));
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    let rows = output.out.lines().skip(1).map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        (cells[0].parse().unwrap(), cells[1].parse().unwrap())
    });
    rows.collect()
}

#[test]
fn detect_answers_on_the_common_grid_as_evaluation_does() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let checkpoint = untrained(&at.join("both-ways.safetensors"));
    let songs = at.join("songs");
    std::fs::create_dir(&songs).unwrap();
    wav(&songs.join("song.wav"), &sound(RATE_HZ, 1, 9.0));
    std::fs::write(songs.join("song.lab"), "0 4 sing\n4 9.1 nosing\n").unwrap();

    let rows = detected(at, "songs/song.wav");
    // 9 s are 198 450 samples at 22 050 Hz, (198 450 - 1024) / 315 hops, a decision every five.
    assert_eq!(rows.len(), 627usize.div_ceil(5));
    for (n, (t, p)) in rows.iter().enumerate() {
        let expected_s = 512.0 / 22_050.0 + n as f64 * HOP_S;
        assert!((t - expected_s).abs() < 1e-5, "decision {n} speaks of {t}");
        assert!((0.0..=1.0).contains(p));
    }

    let cache = FeatureCache::open(at.join("features")).unwrap();
    let corpus = load_labelled(
        &songs,
        &cache.giving(Family::BiLstm.features()),
        Coverage::Throughout,
        &Default::default(),
    )
    .unwrap();
    let scored = TrackScorer::new(&checkpoint, Device::Cpu, 1).score_corpus(&corpus, &|_| ());
    let scored_rows = &scored[0].horizons[0];
    assert_eq!(scored_rows.len(), rows.len());
    for (window, ((t, p), (scored_p, voice))) in rows.iter().zip(scored_rows).enumerate() {
        assert!((p - f64::from(*scored_p)).abs() < 2e-6, "at {t}");
        assert!((scored[0].grid(768).time_s(window) - t).abs() < 1e-5);
        assert_eq!(*voice, Some(*t < 4.0), "at {t}");
    }

    let line = "evaluate songs --model both-ways.safetensors --device cpu --features features \
                --stress --json";
    let output = run(vocald(line).current_dir(at));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let report: serde_json::Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(report["model"]["parameters"], 66_402);
    assert_eq!(report["figures"][0]["windows"], rows.len());
    let lookahead_s = report["model"]["lookahead_s"].as_f64().unwrap();
    assert!((lookahead_s - LOOKAHEAD_S).abs() < 1e-9);
    // Silence and tones were separated too, and there is nothing to remix.
    let tested = report["stress"]["no_voice"].as_array().unwrap();
    assert!(tested.iter().all(|row| row["windows"].as_u64() > Some(40)));
    assert_eq!(report["stress"]["gain"].as_array().unwrap().len(), 7);
    assert_eq!(report["stress"]["voice_to_music"], serde_json::json!([]));
    assert_eq!(report["stress"]["treble"], serde_json::json!([]));
}

/// The checkpoint's look-ahead is true: sound later than that changes nothing, be it other
/// sound or none, and sound within it may.
#[test]
fn no_sound_beyond_the_look_ahead_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    untrained(&at.join("both-ways.safetensors"));
    let same_s = 14.0;
    let one = sound(RATE_HZ, 1, 26.0);
    let cut = (same_s * f64::from(RATE_HZ)) as usize;
    let mut other = one.clone();
    other[cut..].reverse();
    wav(&at.join("one.wav"), &one);
    wav(&at.join("other.wav"), &other);
    wav(&at.join("short.wav"), &one[..cut]);
    let rows = detected(at, "one.wav");
    for file in ["other.wav", "short.wav"] {
        let mut moved = false;
        for ((t, p), (_, changed)) in rows.iter().zip(detected(at, file)) {
            let apart = (p - changed).abs();
            assert!(t + LOOKAHEAD_S > same_s || apart < 2e-6, "{file} at {t}");
            moved |= apart > 1e-4;
        }
        assert!(moved, "{file}");
    }
}

#[test]
fn what_the_program_says_of_a_bilstm() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    untrained(&at.join("both-ways.safetensors"));
    wav(&at.join("song.wav"), &sound(RATE_HZ, 1, 2.0));
    wav(&at.join("short.wav"), &[0.0; 2040]);
    let say = |line: &str| run(vocald(line).current_dir(at));

    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    let output = say("model list --models .");
    let lines: Vec<Vec<String>> = output.out.lines().map(words).collect();
    for expected in [
        "bilstm - 0.07 0.1",
        "both-ways bilstm - 768 ./both-ways.safetensors",
    ] {
        let expected: Vec<String> = words(expected);
        assert!(
            lines.contains(&expected),
            "{expected:?} in:\n{}",
            output.out
        );
    }
    let output = say("model info both-ways.safetensors");
    for expected in [
        "both-ways: bilstm\n",
        "66402",
        "whole recordings",
        "10.99 s",
    ] {
        assert!(
            output.out.contains(expected),
            "{expected} in:\n{}",
            output.out
        );
    }

    for line in [
        "run --model both-ways.safetensors --device cpu song.wav --pace max",
        "bench --model both-ways.safetensors --device cpu",
        "bench --streams --model both-ways.safetensors --device cpu",
    ] {
        let output = say(line);
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""), "{line}");
        assert_eq!(
            output.err,
            "vocald: the checkpoint both-ways separates whole recordings and needs 11 s of sound \
             beyond the moment it decides on, so it cannot listen live; label files with `vocald detect`\n"
        );
    }
    let output = say("detect --model both-ways.safetensors --device cpu --lookahead 0.5 song.wav");
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("768 frames (10.99 s)"),
        "{}",
        output.err
    );

    let output = say("detect --model both-ways.safetensors --device cpu short.wav");
    assert!(
        output.err.contains("than a frame (0.046 s)"),
        "{}",
        output.err
    );

    // Every format, several files at once.
    let line = "detect --model both-ways.safetensors --device cpu song.wav short.wav --out labels \
                --format lab,audacity,csv,json";
    assert_eq!(say(line).code, Some(0));
    let read = |name: &str| std::fs::read_to_string(at.join("labels").join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("song.json")).unwrap();
    assert_eq!(json["decisions"].as_array().unwrap().len(), 28);
    assert_eq!(read("song.csv").lines().count(), 29);
    let lab = read("song.lab");
    assert!(lab.starts_with("0.000000 ") && lab.contains(" 2.000000 "));
}
