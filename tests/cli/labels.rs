//! `vocald evaluate` on folders of labels in every format.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::program::{Output, run, wav, with_model};

fn evaluate(root: &Path, songs: &str, options: &[&str]) -> Output {
    let mut command = with_model("evaluate");
    command
        .arg(root.join(songs))
        .arg("--features")
        .arg(root.join("features"))
        .args(["--threads", "1"])
        .args(options);
    run(&mut command)
}

/// No voice, but for 0.99 to 1.51 and 2.01 to 2.51 of 3 s, in every format: times that all of them can state.
fn formats() -> Vec<(&'static str, String)> {
    let mut vocal = String::new();
    let mut table = String::from("t,p,voice\n");
    for row in 0..150 {
        // Every 20 ms from 20 ms on.
        let centre = 2 * (row + 1);
        let voice = u8::from((99..151).contains(&centre) || (201..251).contains(&centre));
        let _ = writeln!(vocal, "{voice}");
        let _ = writeln!(
            table,
            "{:.2},0.{}5,{voice}",
            f64::from(centre) / 100.0,
            voice * 9
        );
    }
    let textgrid = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0 3 <exists> 1\n\"IntervalTier\" \"voice\" 0 3 5\n\
        0 0.99 \"\"\n0.99 1.51 \"voice\"\n1.51 2.01 \"\"\n2.01 2.51 \"voice\"\n2.51 3 \"\"\n";
    [
        ("lab.lab", "0 0.99 nosing\n0.99 1.51 sing\n1.51 2.01 nosing\n2.01 2.51 sing\n2.51 3 nosing\n"),
        ("audacity.txt", "0,99\t1,51\tvoice\n2,01\t2,51\tVocals 2\n"),
        ("ultrastar.txt", "#BPM:1500\n#GAP:490\nP1\n: 50 52 0 la\nP2\nR 152 50 0 lo\nE\n"),
        ("stretches.csv", "start;end;label\n0,99;1,51;voice\n2,01;2,51;voice\n"),
        ("grid.TextGrid", textgrid),
        ("jams.jams", r#"{"annotations": [{"namespace": "segment_open", "data": [
            {"time": 0.99, "duration": 0.52, "value": "vocals"}, {"time": 2.01, "duration": 0.5, "value": "vocals"}]}]}"#),
        ("json.json", r#"{"v": 1, "duration": 3.0, "events": [{"type": "onset", "id": 1, "t": 0.99, "p": 0.9},
            {"type": "offset", "id": 1, "t": 1.51, "p": 0.1, "duration": 0.52}, {"type": "onset", "id": 2, "t": 2.01, "p": 0.9},
            {"type": "offset", "id": 2, "t": 2.51, "p": 0.1, "duration": 0.5}], "decisions": []}"#),
        ("srt.srt", "1\n00:00:00,990 --> 00:00:01,510\nvoice\n\n2\n00:00:02,010 --> 00:00:02,510\nvoice\n"),
        ("vtt.vtt", "WEBVTT\n\n00:00.990 --> 00:01.510\nvoice\n\n00:02.010 --> 00:02.510\nvoice\n"),
        ("lrc.lrc", "[00:00.99]la\n[00:01.51]\n[00:02.01]lo\n[00:02.51]\n"),
        ("RM-P001.VOCA_INST.TXT", "0.0\tb\n0.99\tm:withm\n1.51\ts:sax\n2.01\tg\n2.51\tn\n3.0\te\n"),
        ("vocal.vocal", &vocal),
        ("times.csv", &table),
    ]
    .map(|(name, text)| (name, text.to_owned()))
    .into()
}

#[test]
fn every_format_measures_as_the_same_labels_in_lab() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for songs in ["mixed/songs", "lab/songs"] {
        fs::create_dir_all(root.join(songs)).unwrap();
    }
    let formats = formats();
    for (seed, (name, text)) in (1..).zip(&formats) {
        let song = name.split('.').next().unwrap();
        for songs in ["mixed/songs", "lab/songs"] {
            wav(
                &root.join(songs).join(format!("{song}.wav")),
                1 + seed % 2,
                3.0,
            );
        }
        fs::write(root.join("mixed/songs").join(name), text).unwrap();
        fs::write(
            root.join("lab/songs").join(format!("{song}.lab")),
            &formats[0].1,
        )
        .unwrap();
    }
    let report = |folder: &str| -> Value {
        let output = evaluate(root, folder, &["--json"]);
        assert_eq!(output.code, Some(0), "{}", output.err);
        assert!(!output.err.contains("WARN"), "{}", output.err);
        serde_json::from_str(&output.out).unwrap()
    };
    let (mixed, lab) = (report("mixed/songs"), report("lab/songs"));
    assert_eq!(mixed["songs"].as_array().unwrap().len(), formats.len());
    for part in ["corpora", "songs", "figures", "curves"] {
        assert_eq!(mixed[part], lab[part], "{part}");
    }
}

#[test]
fn unknown_words_are_reported_with_counts_and_can_be_assigned() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("songs")).unwrap();
    wav(&root.join("songs/words.wav"), 1, 6.0);
    let words = "0.0\t1.0\tdrums\n1.0\t3.0\tvoice\n3.0\t4.0\tspeech\n";
    fs::write(root.join("songs/words.txt"), words).unwrap();
    let share = |output: &Output| -> f64 {
        assert_eq!(output.code, Some(0), "{}", output.err);
        let report: Value = serde_json::from_str(&output.out).unwrap();
        report["songs"][0]["voice_share"].as_f64().unwrap()
    };
    let output = evaluate(root, "songs", &["--json"]);
    // 2 s of the 4 s that are known.
    assert!((share(&output) - 0.5).abs() < 0.1, "{}", share(&output));
    assert!(
        output.err.contains("2 labels with unknown words are left out, neither voice nor no voice: `drums` (1), `speech` (1)"),
        "{}",
        output.err
    );
    let output = evaluate(
        root,
        "songs",
        &["--json", "--no-voice-words", "drums,speech"],
    );
    assert!((share(&output) - 0.35).abs() < 0.1, "{}", share(&output));
    assert!(!output.err.contains("unknown words"), "{}", output.err);
    let output = evaluate(root, "songs", &["--json", "--voice-words", "*"]);
    assert!((share(&output) - 0.7).abs() < 0.1, "{}", share(&output));
}

#[test]
fn unlabelled_and_faulty_files_are_listed_and_skipped_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("songs/deeper")).unwrap();
    for song in ["good", "bare", "deeper/bare too", "crooked"] {
        wav(&root.join(format!("songs/{song}.wav")), 1, 3.0);
    }
    fs::write(root.join("songs/._good.wav"), "AppleDouble").unwrap();
    fs::write(root.join("songs/good.lab"), "0 1 sing\n1 3 nosing\n").unwrap();
    let crooked = "0\t1.02\tnosing\n1.02\t2.02\tsing\n2.02\t2.00\tnosing\n";
    fs::write(root.join("songs/crooked.lab"), crooked).unwrap();
    let output = evaluate(root, "songs", &["--json"]);
    assert_eq!(output.code, Some(1));
    for part in [
        "songs/bare.wav has no labels",
        "songs/deeper/bare too.wav has no labels",
        "crooked.lab: line 3 ends at 2 s, before its start at 2.02 s",
        "1 hidden files below",
    ] {
        assert!(output.err.contains(part), "{part}: {}", output.err);
    }
    let tracks = |options: &[&str], expected: &str| {
        let output = evaluate(
            root,
            "songs",
            &[&["--json", "--skip-unlabelled"], options].concat(),
        );
        assert_eq!(output.code, Some(0), "{}", output.err);
        assert!(
            output
                .err
                .contains("2 recordings without labels are left out"),
            "{}",
            output.err
        );
        assert!(output.err.contains(expected), "{}", output.err);
        let report: Value = serde_json::from_str(&output.out).unwrap();
        report["corpora"][0]["tracks"].as_u64().unwrap()
    };
    assert_eq!(
        tracks(
            &["--faulty-labels", "skip-lines"],
            "1 faulty lines are skipped"
        ),
        2
    );
    assert_eq!(
        tracks(
            &["--faulty-labels", "skip-files"],
            "1 recordings with faulty labels are left out"
        ),
        1
    );
    let output = evaluate(root, "songs/../experiment.toml", &["--skip-unlabelled"]);
    assert_eq!(output.code, Some(2), "{}", output.err);
}
