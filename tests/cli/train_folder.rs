//! `vocald train FOLDER`: an experiment is written, trained by, and used again.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::libtorch::exclusive;
use crate::support::program::{model, run, vocald};

/// A tone that stands for a voice in the first half, a lower one in the second, with labels.
fn song(folder: &Path, name: &str) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 22_050,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(folder.join(format!("{name}.wav")), spec).unwrap();
    for n in 0..4 * 22_050 {
        let hz = if n < 2 * 22_050 { 1500.0 } else { 200.0 };
        let x = (std::f32::consts::TAU * hz * n as f32 / 22_050.0).sin();
        writer.write_sample((x * 9000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
    fs::write(
        folder.join(format!("{name}.lab")),
        "0 2 gesang\n2 4 nosing\n",
    )
    .unwrap();
}

fn train(at: &Path, options: &str) -> Command {
    let mut command = vocald("train songs --features features --device cpu --voice-words gesang");
    command.arg("--start-from").arg(model());
    command.args(options.split_whitespace()).current_dir(at);
    if !options.contains("--max-epochs") {
        command.args(["--max-epochs", "1"]);
    }
    command
}

#[test]
fn a_folder_of_songs_is_trained_on_by_an_experiment_of_its_own() {
    let _exclusive = exclusive();
    let at = tempfile::tempdir().unwrap();
    let at = at.path();
    let songs = at.join("songs");
    fs::create_dir(&songs).unwrap();
    for name in ["Ann - a", "Ann - \"b\"", "Bob - a", "Cat - a"] {
        song(&songs, name);
    }
    let first = run(&mut train(at, ""));
    assert_eq!(first.code, Some(0), "{}", first.err);
    let split = "3 songs for training, 1 for validation, split by song";
    let line_of_split = first.err.lines().find(|line| line.contains(split));
    assert!(
        line_of_split.is_some_and(|line| line.ends_with("runs/songs/experiment.toml")),
        "{}",
        first.err
    );
    assert!(
        first.out.contains("valid/labelled/horizon_7/accuracy_raw"),
        "{}",
        first.out
    );
    let file = at.join("runs/songs/experiment.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("voice_words = [\"gesang\"]"), "{text}");

    // What is printed at the end can be run.
    let measure = first
        .err
        .lines()
        .find_map(|line| line.strip_prefix("measure it:  vocald "));
    let measured = run(vocald(measure.unwrap())
        .args(["--features", "features"])
        .current_dir(at));
    assert_eq!(measured.code, Some(0), "{}", measured.err);

    // The file is the user's from now on.
    fs::write(&file, text.replace("max_epochs = 40", "max_epochs = 2")).unwrap();
    let again = run(&mut train(at, "--max-epochs 2"));
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(
        again.err.starts_with("settings of an earlier training"),
        "{}",
        again.err
    );
    assert_eq!(
        fs::read_to_string(at.join("runs/songs/log.jsonl"))
            .unwrap()
            .lines()
            .count(),
        2
    );

    let both = run(&mut train(at, "--depth 14"));
    assert_eq!(both.code, Some(2), "{}", both.err);
    let other = run(train(at, "").args(["--voice-words", "other"]));
    assert_eq!(other.code, Some(2), "{}", other.err);
    assert!(
        other.err.contains("reads labels otherwise"),
        "{}",
        other.err
    );
}

#[test]
fn a_folder_that_cannot_be_trained_on_is_refused_in_a_sentence() {
    let at = tempfile::tempdir().unwrap();
    let at = at.path();
    let songs = at.join("songs");
    fs::create_dir(&songs).unwrap();
    let refused = |sentence: &str| {
        let output = run(&mut train(at, ""));
        assert_eq!(output.code, Some(1), "{}", output.err);
        assert!(
            output.err.contains(sentence),
            "`{sentence}` in: {}",
            output.err
        );
        assert!(!at.join("runs").exists(), "nothing is written");
    };
    refused("holds no sound files");
    song(&songs, "a");
    refused("1 song with labels; training needs at least 4");
    for name in ["b", "c", "d"] {
        song(&songs, name);
        fs::write(songs.join(format!("{name}.lab")), "0 4 sing\n").unwrap();
    }
    refused("the songs for validation have no label that is no voice");
    for name in ["a", "b", "c", "d"] {
        fs::remove_file(songs.join(format!("{name}.lab"))).unwrap();
    }
    refused("none of the 4 recordings in songs has labels beside it");
}
