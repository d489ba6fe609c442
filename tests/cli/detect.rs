//! `vocald detect` through the built program: formats, standard output, damaged files, verdicts.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::program::{run, wav, with_model};

const POINT: &str = "--live --enter 0.44 --leave 0.43";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_formats_tell_the_same_and_lab_covers_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("song.one.wav"), 2, 6.0);
    let line =
        format!("detect song.one.wav --out labels/here --format lab,audacity,json,csv {POINT}");
    let output = run(with_model(&line).current_dir(at));
    assert_eq!((output.code, output.out.as_str()), (Some(0), ""));
    assert!(
        output.err.starts_with("1 file labelled: 6.0 s, ") && output.err.lines().count() == 1,
        "{}",
        output.err
    );
    let text = |extension: &str| read(&at.join(format!("labels/here/song.one.{extension}")));

    let json: Value = serde_json::from_str(&text("json")).unwrap();
    assert_eq!(json["duration"], 6.0);
    assert_eq!(
        (&json["rate_hz"], &json["channels"]),
        (&44_100.into(), &2.into())
    );
    assert_eq!(json["model"], "untrained");
    let decisions = json["decisions"].as_array().unwrap();
    assert_eq!(decisions.len(), 68);

    let csv = text("csv");
    let mut rows = csv.lines();
    assert_eq!(rows.next(), Some("t,p,voice"));
    for (row, decision) in rows.by_ref().zip(decisions) {
        let fields: Vec<f64> = row.split(',').map(|field| field.parse().unwrap()).collect();
        assert!((fields[0] - decision["t"].as_f64().unwrap()).abs() < 1e-6);
        assert!((fields[1] - decision["p"].as_f64().unwrap()).abs() < 1e-6);
        assert_eq!(fields[2] == 1.0, decision["voice"].as_bool().unwrap());
    }
    assert_eq!(csv.lines().count(), 69);

    let events = json["events"].as_array().unwrap();
    let voices: Vec<(f64, f64)> = events
        .chunks(2)
        .map(|pair| {
            (
                pair[0]["t"].as_f64().unwrap(),
                pair[1]["t"].as_f64().unwrap(),
            )
        })
        .collect();
    assert!(voices.len() >= 2, "{events:?}");
    let tabbed: String = voices
        .iter()
        .map(|(from, to)| format!("{from:.6}\t{to:.6}\tvoice\n"))
        .collect();
    assert_eq!(text("txt"), tabbed);

    let lab = text("lab");
    let lines: Vec<Vec<&str>> = lab.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(
        (lines[0][0], lines.last().unwrap()[1]),
        ("0.000000", "6.000000")
    );
    for pair in lines.windows(2) {
        assert_eq!(pair[0][1], pair[1][0], "no hole between the lines");
    }
    let sung: Vec<String> = lines
        .iter()
        .filter(|line| line[2] == "sing")
        .map(|line| format!("{}\t{}\tvoice\n", line[0], line[1]))
        .collect();
    assert_eq!(sung.concat(), tabbed);
    assert!(
        lines
            .iter()
            .all(|line| ["sing", "nosing"].contains(&line[2]))
    );
}

#[test]
fn one_file_is_printed_where_no_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    wav(&folder.path().join("song.wav"), 1, 2.0);
    let at = |line: &str| run(with_model(line).current_dir(folder.path()));
    let lab = at("detect song.wav");
    assert_eq!((lab.code, lab.err.as_str()), (Some(0), ""));
    assert!(
        lab.out.starts_with("0.000000 ") && lab.out.ends_with("nosing\n"),
        "{}",
        lab.out
    );
    assert!(
        at("detect song.wav --format csv")
            .out
            .starts_with("t,p,voice\n")
    );
    assert_eq!(at("detect song.wav --format csv,lab").code, Some(2));
    let twice = at("detect song.wav ./song.wav");
    assert_eq!(twice.out, lab.out);
    assert!(
        twice.err.contains("1 passed over (1 named twice)"),
        "{}",
        twice.err
    );
    wav(&folder.path().join("other.wav"), 1, 2.0);
    assert_eq!(at("detect song.wav other.wav").code, Some(2));
    assert_eq!(at("detect .").code, Some(2));
}

#[test]
fn a_bad_file_is_named_and_the_others_are_still_done() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("good.wav"), 1, 2.0);
    wav(&at.join("short.wav"), 1, 1.0);
    std::fs::write(at.join("bad.wav"), "dear diary").unwrap();
    std::fs::create_dir(at.join("labels")).unwrap();
    std::fs::write(at.join("labels/good.csv"), "old").unwrap();
    std::fs::write(at.join("labels/bad.csv"), "old").unwrap();
    let output = run(with_model(
        "detect bad.wav good.wav short.wav --out labels --format csv,lab --overwrite",
    )
    .current_dir(at));
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("bad.wav is not a sound file"),
        "{}",
        output.err
    );
    assert!(
        output.err.contains("1 of 3 files were not labelled"),
        "{}",
        output.err
    );
    assert_eq!(read(&at.join("labels/good.csv")).lines().count(), 13);
    assert_eq!(read(&at.join("labels/bad.csv")), "old");
    // Too short for a decision: said so, and its labels are those of silence.
    assert!(
        output.err.contains("short.wav: shorter than a window"),
        "{}",
        output.err
    );
    assert_eq!(read(&at.join("labels/short.csv")), "t,p,voice\n");
    assert_eq!(
        read(&at.join("labels/short.lab")),
        "0.000000 1.000000 nosing\n"
    );
    let left: Vec<_> = std::fs::read_dir(at.join("labels")).unwrap().collect();
    // With the manifest.
    assert_eq!(left.len(), 6, "nothing half-written is left: {left:?}");
}

#[test]
fn a_file_that_was_cut_off_is_labelled_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("whole.wav"), 1, 4.0);
    let bytes = std::fs::read(at.join("whole.wav")).unwrap();
    std::fs::write(at.join("cut.wav"), &bytes[..bytes.len() / 2]).unwrap();
    let output = run(with_model("detect cut.wav --format json --out .").current_dir(at));
    assert_eq!(output.code, Some(0));
    assert!(
        output
            .err
            .contains("cut.wav is damaged: it ends after 2.000 s"),
        "{}",
        output.err
    );
    let json: Value = serde_json::from_str(&read(&at.join("cut.json"))).unwrap();
    assert!((json["duration"].as_f64().unwrap() - 2.0).abs() < 0.01);
    assert!(json["damage"].as_str().unwrap().contains("ends after"));
    assert_eq!(json["decisions"].as_array().unwrap().len(), 12);
}

#[test]
fn a_verdict_is_one_line_per_file_in_the_order_of_the_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, seconds) in [("c.wav", 2.0), ("a.wav", 6.0), ("b.wav", 0.5)] {
        wav(&at.join(name), 1, seconds);
    }
    std::fs::write(at.join("d.wav"), "dear diary").unwrap();
    let verdicts = |line: &str| {
        let line = format!("detect . --verdict --jobs 3 {line}");
        run(with_model(&line).current_dir(at))
    };
    let sung = verdicts("--enter 0.01 --leave 0.01");
    assert_eq!(sung.code, Some(1), "{}", sung.err);
    let lines: Vec<Vec<&str>> = sung
        .out
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let columns = |column: usize| -> Vec<&str> { lines.iter().map(|line| line[column]).collect() };
    assert_eq!(columns(0), ["sung", "too_short", "sung"]);
    assert_eq!(columns(2), ["./a.wav", "./b.wav", "./c.wav"]);
    assert!(lines[0][1].parse::<f64>().unwrap() > 0.5);
    let instrumental = verdicts("--enter 0.99 --leave 0.99");
    assert!(
        instrumental
            .out
            .starts_with("instrumental\t0.000\t./a.wav\n")
    );
    // Nothing is written.
    assert_eq!(std::fs::read_dir(at).unwrap().count(), 4);
}

#[test]
fn a_reader_that_leaves_ends_the_verdicts_without_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..20 {
        wav(&folder.path().join(format!("{k:02}.wav")), 1, 2.0);
    }
    let mut command = with_model("detect . --verdict -q");
    let mut child = command
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn several_formats_have_their_own_files() {
    let folder = tempfile::tempdir().unwrap();
    wav(&folder.path().join("song.wav"), 1, 2.0);
    let line = "detect song.wav --beside --format lab,audacity,csv,json,textgrid,srt,vtt,lrc";
    let output = run(with_model(line).current_dir(folder.path()));
    assert_eq!(output.code, Some(0), "{}", output.err);
    for extension in ["lab", "txt", "csv", "json", "TextGrid", "srt", "vtt", "lrc"] {
        let path = folder.path().join(format!("song.{extension}"));
        assert!(path.is_file(), "{extension}");
    }
}
