//! Overlap averaging in the program: turned on by `calibrate`, the same in `evaluate`, `detect` and
//! `run`, and shown by `model info`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use vocald::model::Checkpoint;

use crate::support::program;
use crate::support::program::{messages, of_type, run, vocald, wav, with_model};

/// One song with labels.
fn song(root: &Path) {
    fs::create_dir_all(root.join("songs")).unwrap();
    wav(&root.join("songs/song.wav"), 1, 8.0);
    fs::write(root.join("songs/song.lab"), "0 2.5 sing\n2.5 8 nosing\n").unwrap();
}

/// The song, and a checkpoint that averages its overlapping windows.
fn calibrated(root: &Path) {
    song(root);
    let line =
        "calibrate songs --features features --out averaging.safetensors --overlap-averaging";
    let output = run(with_model(line).current_dir(root));
    assert_eq!(output.code, Some(0), "{}", output.err);
}

/// The probability of every window at the horizons of 39 and 7 frames, by `vocald evaluate --scores`.
fn scores(mut evaluate: Command, root: &Path, out: &str) -> [Vec<f32>; 2] {
    evaluate
        .args(["songs", "--features", "features", "--scores", out])
        .current_dir(root);
    let output = run(&mut evaluate);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let table = fs::read_to_string(root.join(out).join("songs/song.csv")).unwrap();
    ["39", "7"].map(|horizon_frames| {
        let rows = table
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>());
        let rows = rows.filter(|fields| fields[0] == horizon_frames);
        rows.map(|fields| fields[2].parse().unwrap()).collect()
    })
}

fn averaging(line: &str) -> Command {
    vocald(&format!(
        "{line} --model averaging.safetensors --device cpu"
    ))
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
    let [own, short] = scores(with_model("evaluate"), root, "single");
    let [pooled, pooled_short] = scores(averaging("evaluate"), root, "averaged");
    // No other horizon has predicted the frames of the shortest one before.
    assert_eq!(short, pooled_short);
    // 32 frames are 6.4 windows: the seventh before has a weight of two fifths, the sixth of three.
    assert_eq!(own[..7], pooled[..7]);
    for w in 7..own.len() {
        let earlier = 0.6 * log_odds(short[w - 6]) + 0.4 * log_odds(short[w - 7]);
        let mean = f32::midpoint(log_odds(own[w]), earlier);
        assert!(
            (pooled[w] - 1.0 / (1.0 + (-mean).exp())).abs() < 1e-5,
            "{w}"
        );
    }
    assert_ne!(own[7..], pooled[7..]);

    let detect = "detect songs/song.wav --lookahead 0.59 --format csv --out labels";
    let output = run(averaging(detect).current_dir(root));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let labels = fs::read_to_string(root.join("labels/song.csv")).unwrap();
    let labelled: Vec<f32> = labels
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    // The trainer keeps its sound in 16 bits.
    assert!(close(&labelled, &pooled, 1e-3), "{labelled:?}\n{pooled:?}");

    let output = run(averaging("run songs/song.wav --pace max --lookahead 0.59").current_dir(root));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let decisions = messages(&output.out);
    let p = of_type(&decisions, "decision").into_iter();
    let live: Vec<f32> = p.map(|d| d["p"].as_f64().unwrap() as f32).collect();
    assert!(close(&live, &labelled, 1e-5), "{live:?}\n{labelled:?}");
}

#[test]
fn model_info_shows_how_decisions_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut averaging = Checkpoint::read(program::model()).unwrap();
    averaging.metadata.overlap_averaging = true;
    averaging
        .write(&root.join("averaging.safetensors"))
        .unwrap();
    let info = |model: &Path| {
        let output = run(vocald("model info").arg(model));
        assert_eq!(output.code, Some(0), "{}", output.err);
        let lines = output.out.lines().filter_map(|line| line.split_once("  "));
        let pairs = lines.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
        pairs.collect::<HashMap<_, _>>()
    };
    let key = "decision";
    assert_eq!(info(program::model())[key], "newest window");
    let path = root.join("averaging.safetensors");
    assert_eq!(
        info(&path)[key],
        "average over all windows that cover a frame"
    );
}

#[test]
fn one_look_ahead_has_nothing_to_agree_with() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    song(root);
    let one = Checkpoint::read(program::model()).unwrap();
    let mut one = one.with_horizons(&[7]).unwrap();
    one.metadata.overlap_averaging = false;
    let path = root.join("one.safetensors");
    one.write(&path).unwrap();
    let line = "calibrate songs --features features --model one.safetensors --out x.safetensors --overlap-averaging";
    let output = run(vocald(line).current_dir(root));
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("has one horizon"), "{}", output.err);

    one.metadata.overlap_averaging = true;
    one.write(&path).unwrap();
    let output = run(vocald("model info one.safetensors").current_dir(root));
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("overlap averaging"), "{}", output.err);
}
