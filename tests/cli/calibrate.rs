//! `vocald calibrate`: thresholds for sound of one's own, and what it refuses.

use std::fs;
use std::path::Path;

use serde_json::Value;
use vocald::model::Checkpoint;

use crate::support::program;
use crate::support::program::{Output, run, vocald, wav, with_model};

fn calibrate(root: &Path, options: &str) -> Output {
    let mut command = with_model("calibrate");
    command
        .arg(root.join("songs"))
        .arg("--features")
        .arg(root.join("features"))
        .args(options.replace("ROOT", root.to_str().unwrap()).split(' '));
    run(&mut command)
}

fn songs(root: &Path, labels: &str) {
    let songs = root.join("songs");
    fs::create_dir_all(&songs).unwrap();
    wav(&songs.join("first.wav"), 1, 8.0);
    fs::write(songs.join("first.lab"), labels).unwrap();
}

/// The share of right raw decisions at the default look-ahead, by `vocald evaluate`.
fn accuracy(root: &Path, model: &Path) -> f64 {
    let mut command = vocald("evaluate --json --device cpu");
    command.arg(root.join("songs")).arg("--model").arg(model);
    command.arg("--features").arg(root.join("features"));
    let output = run(&mut command);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let report: Value = serde_json::from_str(&output.out).unwrap();
    let rows = report["figures"].as_array().unwrap().iter();
    let mut rows = rows.filter(|r| r["smoothing"] == "raw" && r["horizon_frames"] == 7);
    rows.next().unwrap()["accuracy"].as_f64().unwrap()
}

#[test]
fn thresholds_become_the_best_for_the_sound_and_the_weights_stay() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    songs(root, "0 2.5 sing\n2.5 8 nosing\n");
    let out = root.join("ours.safetensors");
    let output = calibrate(root, "--out ROOT/ours.safetensors");
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(output.out.contains("ours.safetensors"), "{}", output.out);
    assert!(
        output.err.contains("the data are little: 1 recordings"),
        "{}",
        output.err
    );
    let row = output.out.lines().find(|line| line.contains(" s *"));
    let row = row.unwrap_or_else(|| panic!("{}", output.out));
    assert!(row.contains("0.50 → ") && row.ends_with(" %"), "{row}");

    let (before, after) = (
        Checkpoint::read(program::model()).unwrap(),
        Checkpoint::read(&out).unwrap(),
    );
    for (name, weight) in &before.weights {
        assert!(weight.equal(&after.weights[name]), "{name}");
    }
    assert_eq!(before.normalisation, after.normalisation);
    assert_ne!(
        before.metadata.operating_points,
        after.metadata.operating_points
    );
    // Always or never saying voice are among the thresholds that were tried.
    let (was, is) = (accuracy(root, program::model()), accuracy(root, &out));
    assert!(is >= was && is >= 0.5, "{was} {is}");
    let stored = after.metadata.figures["valid/songs/horizon_7/accuracy_raw"];
    assert!((stored - is).abs() < 1e-9, "{stored} {is}");
}

#[test]
fn what_nothing_can_be_chosen_on_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    songs(root, "0 8 nosing\n");
    let output = calibrate(root, "--out ROOT/ours.safetensors");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("has no voice to choose thresholds for"),
        "{}",
        output.err
    );
    assert!(!root.join("ours.safetensors").exists());

    fs::write(root.join("songs/first.lab"), "0 2 sing\n2 8 nosing\n").unwrap();
    let output = calibrate(root, "--out ROOT/nowhere/ours.safetensors");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("cannot write the checkpoint"),
        "{}",
        output.err
    );

    fs::remove_file(root.join("songs/first.lab")).unwrap();
    let output = calibrate(root, "--out ROOT/ours.safetensors");
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("first"), "{}", output.err);

    let output = run(&mut vocald(
        "calibrate no-such-experiment --out x.safetensors",
    ));
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("no-such-experiment"), "{}", output.err);

    let output = run(&mut vocald("calibrate songs"));
    assert_eq!(output.code, Some(2));
    assert!(output.err.contains("--out"), "{}", output.err);
}
