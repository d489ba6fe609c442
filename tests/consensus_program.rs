//! The consensus of windows in the program: turned on by `calibrate`, the same in `evaluate`, `detect` and
//! `run`, and what a reader of `model info` is told.

#[allow(dead_code)] // each test takes what it needs
mod program;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use program::{messages, of_type, run, vocald, wav, with_model};
use vocald::model::Checkpoint;

/// One song with labels, and a checkpoint that agrees over its windows.
fn calibrated(root: &Path) {
    fs::create_dir_all(root.join("songs")).unwrap();
    wav(&root.join("songs/song.wav"), 1, 8.0);
    fs::write(root.join("songs/song.lab"), "0 2.5 sing\n2.5 8 nosing\n").unwrap();
    let line = "calibrate songs --features features --out agreed.safetensors --consensus";
    let said = run(with_model(line).current_dir(root));
    assert_eq!(said.code, Some(0), "{}", said.err);
}

/// The probability of every window at a horizon, by `vocald evaluate --scores`.
fn scores(mut evaluate: Command, root: &Path, out: &str, horizon_frames: &str) -> Vec<f32> {
    evaluate
        .args(["songs", "--features", "features", "--scores", out])
        .current_dir(root);
    let said = run(&mut evaluate);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let table = fs::read_to_string(root.join(out).join("songs/song.csv")).unwrap();
    let rows = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let rows = rows.filter(|fields| fields[0] == horizon_frames);
    rows.map(|fields| fields[2].parse().unwrap()).collect()
}

fn agreed(line: &str) -> Command {
    vocald(&format!("{line} --model agreed.safetensors --device cpu"))
}

fn close(a: &[f32], b: &[f32], within: f32) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < within)
}

fn log_odds(p: f32) -> f32 {
    (p / (1.0 - p)).ln()
}

#[test]
fn evaluate_detect_and_run_agree_on_what_all_windows_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    calibrated(root);
    let alone = |horizon| scores(with_model("evaluate"), root, "alone", horizon);
    let together = |horizon| scores(agreed("evaluate"), root, "together", horizon);
    // The shortest horizon has nobody to ask.
    assert_eq!(alone("7"), together("7"));
    // 32 frames are 6.4 windows: the seventh before says two fifths, the sixth three.
    let (own, short, pooled) = (alone("39"), alone("7"), together("39"));
    assert_eq!(own[..7], pooled[..7]);
    for w in 7..own.len() {
        let said = 0.6 * log_odds(short[w - 6]) + 0.4 * log_odds(short[w - 7]);
        let mean = f32::midpoint(log_odds(own[w]), said);
        assert!(
            (pooled[w] - 1.0 / (1.0 + (-mean).exp())).abs() < 1e-5,
            "{w}"
        );
    }
    assert_ne!(own[7..], pooled[7..]);

    let detect = "detect songs/song.wav --lookahead 0.59 --format csv --out labels";
    let said = run(agreed(detect).current_dir(root));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let labels = fs::read_to_string(root.join("labels/song.csv")).unwrap();
    let told: Vec<f32> = labels
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    // The trainer keeps its sound in 16 bits.
    assert!(close(&told, &pooled, 1e-3), "{told:?}\n{pooled:?}");

    let said = run(agreed("run songs/song.wav --lookahead 0.59").current_dir(root));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let decisions = messages(&said.out);
    let p = of_type(&decisions, "decision").into_iter();
    let live: Vec<f32> = p.map(|d| d["p"].as_f64().unwrap() as f32).collect();
    assert!(close(&live, &told, 1e-5), "{live:?}\n{told:?}");
}

#[test]
fn model_info_tells_what_is_decided_by() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    calibrated(root);
    let info = |model: &Path| {
        let said = run(vocald("model info").arg(model));
        assert_eq!(said.code, Some(0), "{}", said.err);
        let lines = said.out.lines().filter_map(|line| line.split_once("  "));
        let pairs = lines.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
        pairs.collect::<HashMap<_, _>>()
    };
    let key = "decides by";
    assert_eq!(info(program::model())[key], "the newest window");
    let path = root.join("agreed.safetensors");
    assert_eq!(info(&path)[key], "all windows so far that speak of a frame");
}

#[test]
fn one_look_ahead_has_nothing_to_agree_with() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    calibrated(root);
    let one = Checkpoint::read(program::model()).unwrap();
    let mut one = one.with_horizons(&[7]).unwrap();
    one.metadata.consensus = false;
    let path = root.join("one.safetensors");
    one.write(&path).unwrap();
    let line = "calibrate songs --features features --model one.safetensors --out x.safetensors --consensus";
    let said = run(vocald(line).current_dir(root));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("has one horizon"), "{}", said.err);

    one.metadata.consensus = true;
    one.write(&path).unwrap();
    let said = run(vocald("model info one.safetensors").current_dir(root));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("consensus"), "{}", said.err);
}
