//! `vocald evaluate` on folders of labels in every format, and what it says about files that do not fit together.

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

/// No voice, but for 0.59 to 0.85 and 1.13 to 1.31 of 1.6 s, in every format: times that all of them can state.
/// Short, since each window passes through a network.
fn formats() -> Vec<(&'static str, String)> {
    let mut vocal = String::new();
    let mut table = String::from("t,p,voice\n");
    for row in 0..80 {
        // Every 20 ms from 20 ms on.
        let centre = 2 * (row + 1);
        let voice = u8::from((59..85).contains(&centre) || (113..131).contains(&centre));
        let _ = writeln!(vocal, "{voice}");
        let _ = writeln!(
            table,
            "{:.2},0.{}5,{voice}",
            f64::from(centre) / 100.0,
            voice * 9
        );
    }
    let textgrid = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0 1.6 <exists> 1\n\"IntervalTier\" \"voice\" 0 1.6 5\n\
        0 0.59 \"\"\n0.59 0.85 \"voice\"\n0.85 1.13 \"\"\n1.13 1.31 \"voice\"\n1.31 1.6 \"\"\n";
    [
        ("lab.lab", "0 0.59 nosing\n0.59 0.85 sing\n0.85 1.13 nosing\n1.13 1.31 sing\n1.31 1.6 nosing\n"),
        ("audacity.txt", "0,59\t0,85\tvoice\n1,13\t1,31\tVocals 2\n"),
        ("ultrastar.txt", "#BPM:1500\n#GAP:490\nP1\n: 10 26 0 la\nP2\nR 64 18 0 lo\nE\n"),
        ("stretches.csv", "start;end;label\n0,59;0,85;voice\n1,13;1,31;voice\n"),
        ("grid.TextGrid", textgrid),
        ("jams.jams", r#"{"annotations": [{"namespace": "segment_open", "data": [
            {"time": 0.59, "duration": 0.26, "value": "vocals"}, {"time": 1.13, "duration": 0.18, "value": "vocals"}]}]}"#),
        ("json.json", r#"{"v": 1, "duration": 1.6, "events": [{"type": "onset", "id": 1, "t": 0.59, "p": 0.9},
            {"type": "offset", "id": 1, "t": 0.85, "p": 0.1, "duration": 0.26}, {"type": "onset", "id": 2, "t": 1.13, "p": 0.9},
            {"type": "offset", "id": 2, "t": 1.31, "p": 0.1, "duration": 0.18}], "decisions": []}"#),
        ("srt.srt", "1\n00:00:00,590 --> 00:00:00,850\nvoice\n\n2\n00:00:01,130 --> 00:00:01,310\nvoice\n"),
        ("vtt.vtt", "WEBVTT\n\n00:00.590 --> 00:00.850\nvoice\n\n00:01.130 --> 00:01.310\nvoice\n"),
        ("lrc.lrc", "[00:00.59]la\n[00:00.85]\n[00:01.13]lo\n[00:01.31]\n"),
        ("RM-P001.VOCA_INST.TXT", "0.0\tb\n0.59\tm:withm\n0.85\ts:sax\n1.13\tg\n1.31\tn\n1.6\te\n"),
        ("vocal.vocal", &vocal),
        ("times.csv", &table),
        ("tabs.tsv", "start\tend\tlabel\n0.59\t0.85\tvoice\n1.13\t1.31\tvoice\n"),
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
                1.6,
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

#[test]
fn sounds_of_one_name_may_have_labels_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("songs")).unwrap();
    // As `vocald detect --beside` names them.
    for (song, from_s) in [("song.wav", 0.0), ("song.aiff", 1.0)] {
        wav(&root.join("songs").join(song), 1, 1.6);
        let labels = format!("{from_s} 1.6 sing\n");
        fs::write(root.join("songs").join(format!("{song}.lab")), labels).unwrap();
    }
    let output = evaluate(root, "songs", &["--json", "--partly-labelled"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let report: Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(report["songs"].as_array().unwrap().len(), 2);
}

#[test]
fn labels_that_go_on_beyond_the_sound_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("songs")).unwrap();
    wav(&root.join("songs/song.wav"), 1, 1.6);
    // In milliseconds.
    fs::write(root.join("songs/song.lab"), "0 700 nosing\n700 1600 sing\n").unwrap();
    let output = evaluate(root, "songs", &["--json"]);
    assert!(
        output
            .err
            .contains("the labels of song go on to 1600.0 s, but its sound ends at 1.6 s"),
        "{}",
        output.err
    );
}

#[test]
fn what_does_not_fit_together_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for part in ["songs", "stems/vocals", "stems/instrumental"] {
        fs::create_dir_all(root.join(part)).unwrap();
    }
    let says = |output: &Output, words: &str| {
        assert_eq!(output.code, Some(0), "{}", output.err);
        assert!(output.err.contains(words), "{words}: {}", output.err);
    };
    // Labels that end before their sound, and labels whose sound is missing.
    wav(&root.join("songs/song.wav"), 1, 5.0);
    fs::write(root.join("songs/song.lab"), "0 0.7 nosing\n0.7 1.6 sing\n").unwrap();
    fs::write(root.join("songs/other.lab"), "0 1 sing\n").unwrap();
    fs::write(root.join("songs/other.json"), "{}").unwrap();
    let output = evaluate(root, "songs", &["--json"]);
    says(
        &output,
        "the labels of song end at 1.6 s, and its sound goes on to 5.0 s: the rest is not measured",
    );
    says(
        &output,
        "passed over labels without a recording: other.lab\n",
    );

    wav(&root.join("stems/vocals/a.wav"), 1, 1.6);
    wav(&root.join("stems/instrumental/a.wav"), 1, 2.4);
    wav(&root.join("stems/instrumental/b.wav"), 1, 1.6);
    let output = evaluate(root, "stems", &["--json"]);
    says(
        &output,
        "passed over accompaniments without a vocal stem: instrumental/b.wav",
    );
    says(&output, "vocals/a.wav ends at 1.6 s, and ");
    says(
        &output,
        "instrumental/a.wav at 2.4 s: what follows the end of the shortest stem is left out",
    );
}
