//! `vocald calibrate`: thresholds for sound of one's own, and what it refuses.

#[allow(dead_code)] // each test takes what it needs
mod program;

use std::fs;
use std::path::Path;

use program::{Said, run, vocald, wav, with_model};
use serde_json::Value;
use vocald::model::Checkpoint;

fn calibrate(root: &Path, options: &str) -> Said {
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
    let said = run(&mut command);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let report: Value = serde_json::from_str(&said.out).unwrap();
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
    let said = calibrate(root, "--out ROOT/ours.safetensors");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("ours.safetensors"), "{}", said.out);

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
    let told = after.metadata.figures["valid/songs/horizon_7/accuracy_raw"];
    assert!((told - is).abs() < 1e-9, "{told} {is}");
}

#[test]
fn what_nothing_can_be_chosen_on_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    songs(root, "0 8 nosing\n");
    let said = calibrate(root, "--out ROOT/ours.safetensors");
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("has no voice to choose thresholds for"),
        "{}",
        said.err
    );
    assert!(!root.join("ours.safetensors").exists());

    fs::write(root.join("songs/first.lab"), "0 2 sing\n2 8 nosing\n").unwrap();
    let said = calibrate(root, "--out ROOT/nowhere/ours.safetensors");
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("cannot write the checkpoint"),
        "{}",
        said.err
    );

    fs::remove_file(root.join("songs/first.lab")).unwrap();
    let said = calibrate(root, "--out ROOT/ours.safetensors");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("first"), "{}", said.err);

    let said = run(&mut vocald(
        "calibrate no-such-experiment --out x.safetensors",
    ));
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("no-such-experiment"), "{}", said.err);

    let said = run(&mut vocald("calibrate songs"));
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("--out"), "{}", said.err);
}
