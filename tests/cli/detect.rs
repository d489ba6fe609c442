//! `vocald detect` through the built program: formats, folders, and files that spoil the party.

use std::path::Path;

use serde_json::Value;

use crate::support::program::{run, wav, with_model};

const POINT: &str = "--enter 0.44 --leave 0.43";

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
    assert_eq!(
        (output.code, output.out.as_str(), output.err.as_str()),
        (Some(0), "", "")
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
    assert_eq!(at("detect song.wav song.wav").code, Some(2));
}

#[test]
fn a_folder_is_walked_and_keeps_its_places_whatever_the_number_of_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir_all(at.join("album/side b")).unwrap();
    for (k, name) in ["1.wav", "2.WAV", "side b/1.wav"].iter().enumerate() {
        wav(&at.join("album").join(name), 1, 3.0 + k as f64);
    }
    std::fs::write(at.join("album/cover.txt"), "no sound").unwrap();
    for jobs in [1, 3] {
        let line = format!("detect album --out labels-{jobs} --format csv --jobs {jobs}");
        let output = run(with_model(&line).current_dir(at));
        assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    }
    for (name, rows) in [("1.csv", 26), ("2.csv", 40), ("side b/1.csv", 54)] {
        let (one, three) = (
            read(&at.join("labels-1").join(name)),
            read(&at.join("labels-3").join(name)),
        );
        assert_eq!(one.lines().count(), rows + 1, "{name}");
        let p = |text: &str| -> Vec<f64> {
            let rows = text.lines().skip(1);
            rows.map(|row| row.split(',').nth(1).unwrap().parse().unwrap())
                .collect()
        };
        assert!(
            p(&one)
                .iter()
                .zip(p(&three))
                .all(|(a, b)| (a - b).abs() < 1e-5)
        );
    }
    assert!(!at.join("labels-1/cover.csv").exists());
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
    let output = run(
        with_model("detect bad.wav good.wav short.wav --out labels --format csv,lab")
            .current_dir(at),
    );
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
        output.err.contains("short.wav is shorter than a window"),
        "{}",
        output.err
    );
    assert_eq!(read(&at.join("labels/short.csv")), "t,p,voice\n");
    assert_eq!(
        read(&at.join("labels/short.lab")),
        "0.000000 1.000000 nosing\n"
    );
    let left: Vec<_> = std::fs::read_dir(at.join("labels")).unwrap().collect();
    assert_eq!(left.len(), 5, "nothing half-written is left: {left:?}");
}

#[test]
fn labels_that_would_overwrite_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("other")).unwrap();
    for name in ["song.wav", "song.wave", "other/song.wav"] {
        wav(&at.join(name), 1, 2.0);
    }
    for line in [
        "song.wav song.wave",
        "song.wav other/song.wav",
        "song.wav other",
        "song.wav song.wav",
    ] {
        let line = format!("detect {line} --out labels");
        let output = run(with_model(&line).current_dir(at));
        assert_eq!(
            (output.code, output.out.as_str()),
            (Some(2), ""),
            "{line}: {}",
            output.err
        );
        assert_eq!(output.err.lines().count(), 1);
        assert!(!at.join("labels").exists());
    }
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
        output.err.contains("cut.wav is damaged: it is cut off"),
        "{}",
        output.err
    );
    let json: Value = serde_json::from_str(&read(&at.join("cut.json"))).unwrap();
    assert!((json["duration"].as_f64().unwrap() - 2.0).abs() < 0.01);
    assert!(json["damage"].as_str().unwrap().contains("cut off"));
    assert_eq!(json["decisions"].as_array().unwrap().len(), 12);
}
