//! A model with an output for speech, through the built program: messages, labels, and what counts as a voice.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::program::{Output, messages, model, of_type, run, vocald, wav};
use crate::support::speaking::speaking;

fn with(model: &Path, at: &Path, line: &str) -> Output {
    let mut words = line.split_whitespace();
    let mut command = vocald(words.next().unwrap());
    command.arg("--model").arg(model).args(["--device", "cpu"]);
    run(command.args(words).current_dir(at))
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn speech_is_published_beside_voice_and_only_where_the_model_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("talk.wav"), 1, 4.0);
    let output = with(
        &speaking(at, true),
        at,
        "run talk.wav --pace max --enter 0.44 --leave 0.43",
    );
    assert_eq!(output.code, Some(0), "{}", output.err);
    let all = messages(&output.out);
    let hello = &of_type(&all, "hello")[0];
    assert_eq!(hello["speech_thresholds"]["enter"], 0.55);
    // Two of three windows confirm a change.
    for (n, decision) in of_type(&all, "decision").iter().enumerate() {
        assert_eq!(decision["speech"], n > 0);
        assert!(decision["speech_p"].as_f64().unwrap() > 0.9);
    }
    let [onset] = of_type(&all, "speech_onset")[..] else {
        panic!("{all:?}");
    };
    let [offset] = of_type(&all, "speech_offset")[..] else {
        panic!("{all:?}");
    };
    assert_eq!((&onset["id"], &offset["id"]), (&1.into(), &1.into()));
    assert_eq!(offset["reason"], "ended");
    // The voice is that of the model without the output.
    let plain = with(
        model(),
        at,
        "run talk.wav --pace max --enter 0.44 --leave 0.43",
    );
    assert!(!plain.out.contains("speech"));
    let voices = |all: &[Value]| {
        let decisions = of_type(all, "decision").into_iter();
        decisions
            .map(|d| (d["p"].clone(), d["voice"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(voices(&all), voices(&messages(&plain.out)));
}

#[test]
fn a_source_counts_speech_or_either_as_its_voice() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("talk.wav"), 1, 3.0);
    // No voice at this threshold.
    let line = "run talk.wav --pace max --enter 0.9 --leave 0.9 --counts";
    for (counts, speaks, expected) in [
        ("singing", true, false),
        ("speech", true, true),
        ("either", true, true),
        ("speech", false, false),
        ("either", false, false),
    ] {
        let output = with(&speaking(at, speaks), at, &format!("{line} {counts}"));
        assert_eq!(output.code, Some(0), "{}", output.err);
        let all = messages(&output.out);
        let onsets = of_type(&all, "onset").len();
        assert_eq!(onsets, usize::from(expected), "{counts} {speaks}");
        let voices = of_type(&all, "decision")
            .iter()
            .filter(|d| d["voice"] == true)
            .count();
        assert_eq!(voices > 0, expected);
        let state = &of_type(&all, "state")[0];
        let stated = state
            .get("counts")
            .and_then(Value::as_str)
            .unwrap_or("singing");
        assert_eq!(stated, counts);
    }
}

#[test]
fn counting_speech_without_an_output_for_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("talk.wav"), 1, 1.0);
    let output = with(model(), at, "run talk.wav --counts either");
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains(
            "`either` needs an output for speech, which the model untrained does not have"
        ),
        "{}",
        output.err
    );
    let output = with(model(), at, "detect talk.wav --speech");
    assert_eq!(output.code, Some(2));
    assert!(output.err.contains("--speech needs an output for speech"));
}

#[test]
fn labels_carry_speech_where_the_format_can_and_where_it_is_requested() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("talk.wav"), 1, 3.0);
    let model = speaking(at, true);
    let line =
        "detect talk.wav --enter 0.9 --leave 0.9 --format lab,audacity,csv,json,textgrid --out";
    let output = with(&model, at, &format!("{line} plain"));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let plain = at.join("plain");
    assert!(
        read(plain.join("talk.lab"))
            .lines()
            .all(|l| l.ends_with(" nosing"))
    );
    assert_eq!(read(plain.join("talk.txt")), "");
    let csv = read(plain.join("talk.csv"));
    assert!(csv.starts_with("t,p,voice,speech_p,speech\n"));
    // Two of three windows confirm a change.
    assert!(csv.lines().skip(2).all(|row| row.ends_with(",1")));
    let json: Value = serde_json::from_str(&read(plain.join("talk.json"))).unwrap();
    assert!(json["speech_share"].as_f64().unwrap() > 0.5);
    assert_eq!(json["events"], Value::Array(vec![]));
    assert_eq!(json["speech_events"][0]["type"], "onset");
    assert_eq!(json["decisions"][1]["speech"], true);
    assert!(read(plain.join("talk.TextGrid")).contains("name = \"speech\""));
    let output = with(&model, at, &format!("{line} speech --speech"));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let lab = read(at.join("speech/talk.lab"));
    assert!(lab.lines().any(|l| l.ends_with(" speech")), "{lab}");
    assert!(read(at.join("speech/talk.txt")).ends_with("\tspeech\n"));
}

#[test]
fn a_recording_of_talk_is_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("talk.wav"), 1, 3.0);
    let verdict = |speaks: bool| {
        let line = "detect talk.wav --verdict -q --enter 0.9 --leave 0.9";
        with(&speaking(at, speaks), at, line).out
    };
    assert!(verdict(true).starts_with("spoken\t0.000\t"));
    assert!(verdict(false).starts_with("instrumental\t0.000\t"));
}
