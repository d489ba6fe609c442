//! `vocald evaluate` on a small folder: its tables, its report, and what it refuses.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::support::program;
use crate::support::program::{run, vocald, wav, with_model};
use crate::support::untrained::network;

/// Two labelled files, six and four seconds, and a reference system's labels for them.
fn songs(root: &Path) {
    let songs = root.join("songs");
    fs::create_dir_all(&songs).unwrap();
    wav(&songs.join("first.wav"), 1, 6.0);
    wav(&songs.join("second.wav"), 2, 4.0);
    fs::write(
        songs.join("first.lab"),
        "0 2.5 nosing\n2.5 3.5 sing\n3.5 6 nosing\n",
    )
    .unwrap();
    fs::write(songs.join("second.txt"), "1.5\t2.5\tvoice\n").unwrap();
    let other = root.join("other");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("first.txt"), "2.6\t3.6\tvoice\n").unwrap();
    fs::write(other.join("second.lab"), "0 1.5 nosing\n1.5 4 sing\n").unwrap();
}

fn evaluate(root: &Path, options: &str) -> program::Output {
    let mut command = with_model("evaluate");
    command
        .arg(root.join("songs"))
        .arg("--features")
        .arg(root.join("features"))
        .args(options.replace("ROOT", root.to_str().unwrap()).split(' '));
    run(&mut command)
}

/// The names of an object's fields, in their order.
fn keys(value: &Value) -> Vec<&str> {
    let object: &Map<String, Value> = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

#[test]
fn a_folder_is_measured_beside_another_detector_and_stressed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    songs(root);
    fs::create_dir_all(root.join("speech/news")).unwrap();
    wav(&root.join("speech/news/a.wav"), 1, 2.0);
    let output = evaluate(
        root,
        "--reference ROOT/other --stress --speech ROOT/speech --report ROOT/report --scores ROOT/scores --json --threads 1",
    );
    assert_eq!(output.code, Some(0), "{}", output.err);
    let report: Value = serde_json::from_str(&output.out).unwrap();
    let kept = fs::read_to_string(root.join("report/report.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), report);

    // The shape that docs/evaluation.md promises.
    assert_eq!(report["v"], 1);
    let mut fields = keys(&report);
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "comparisons",
            "corpora",
            "curves",
            "data",
            "figures",
            "method",
            "model",
            "moments",
            "reference",
            "shown",
            "songs",
            "speech",
            "split",
            "stress",
            "v",
            "version"
        ]
    );
    assert_eq!(report["model"]["name"], "untrained");
    assert_eq!(report["model"]["horizon_frames"], 7);
    assert_eq!(report["corpora"][0]["name"], "songs");
    assert_eq!(report["corpora"][0]["tracks"], 2);

    // Two horizons with three rows each, and the other detector.
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 7);
    let mut fields = keys(&figures[0]);
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "accuracy",
            "always_voice_accuracy",
            "auroc",
            "corpus",
            "detector",
            "events_per_minute",
            "f1",
            "false_positive_rate",
            "false_voice_s_per_hour",
            "horizon_frames",
            "labelled_events_per_minute",
            "lookahead_s",
            "offsets",
            "onsets",
            "outside_collar",
            "phrases",
            "precision",
            "recall",
            "smoothing",
            "sound_events",
            "track_accuracy",
            "windows"
        ]
    );
    let mut fields = keys(&figures[0]["onsets"]);
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "delay_median_s",
            "delay_p95_s",
            "false_alarms",
            "found",
            "labelled",
            "missed",
            "t_error_median_s",
            "t_error_p95_s"
        ]
    );
    let other = &figures[6];
    assert_eq!(
        (&other["detector"], &other["smoothing"]),
        (&"other".into(), &"as_given".into())
    );
    assert_eq!(other["onsets"]["found"], 2);
    // Published decisions against the other detector's, song by song.
    let comparison = &report["comparisons"][0];
    let published = figures
        .iter()
        .find(|row| row["smoothing"] == "causal" && row["horizon_frames"] == 7);
    let accuracy = |row: &Value| row["accuracy"].as_f64().unwrap();
    let difference = accuracy(published.unwrap()) - accuracy(other);
    let [found, low, high] = [0, 1, 2].map(|i| comparison["difference"][i].as_f64().unwrap());
    assert!((found - difference).abs() < 1e-9, "{found} {difference}");
    assert!(low <= found && found <= high);
    assert_eq!(
        (&comparison["corpus"], &comparison["reference"]),
        (&"songs".into(), &"other".into())
    );
    assert!(other["accuracy"].as_f64().unwrap() > 0.6);
    assert!(other["auroc"].is_null() && other["lookahead_s"].is_null());
    // Every decision of both files: (seconds - 1.175 s) / 71.4 ms of each, from the first on.
    assert_eq!(figures[0]["windows"], 68 + 40);

    // The scores of single windows give the same accuracy.
    let threshold = report["model"]["horizons"][0]["operating_point"]["threshold"]
        .as_f64()
        .unwrap();
    let rows = scores(&root.join("scores/songs"), 39);
    assert_eq!(rows.len(), 68 + 40);
    let right = rows
        .iter()
        .filter(|(p, label)| (*p >= threshold) == *label)
        .count();
    let accuracy = figures[0]["accuracy"].as_f64().unwrap();
    assert!((right as f64 / rows.len() as f64 - accuracy).abs() < 1e-9);

    let songs = report["songs"].as_array().unwrap();
    assert_eq!(songs.len(), 2);
    assert!(songs[0]["accuracy_reference"].is_number());
    assert_eq!(report["shown"].as_array().unwrap().len(), 2);
    assert_eq!(
        report["shown"][0]["p"].as_array().unwrap().len() as u64,
        songs_windows(&report)
    );

    let stress = &report["stress"];
    let kinds: Vec<_> = stress["no_voice"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["kind"])
        .collect();
    assert_eq!(kinds.iter().filter(|k| **k == "vibrato").count(), 16);
    assert_eq!(kinds.iter().filter(|k| **k == "signal").count(), 3);
    let speech = stress["no_voice"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&speech["kind"], &speech["name"]),
        (&"speech".into(), &"news".into())
    );
    let gains: Vec<f64> = levels(&stress["gain"]);
    assert_eq!(gains, [-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0]);
    // At its own level the corpus measures as it did above.
    assert_eq!(stress["gain"][3]["accuracy_raw"], figures[3]["accuracy"]);
    assert!(stress["voice_to_music"].as_array().unwrap().is_empty());
    let treble = stress["treble"].as_array().unwrap();
    let up_to_hz: Vec<_> = treble.iter().map(|row| &row["up_to_hz"]).collect();
    assert_eq!(up_to_hz, [7600.0, 5500.0, 3400.0]);
    assert!(
        treble
            .iter()
            .all(|row| row["windows"] == figures[3]["windows"])
    );

    // The same numbers in the other forms, and every plot.
    let markdown = fs::read_to_string(root.join("report/report.md")).unwrap();
    let accuracy = format!("{:.3}", other["accuracy"].as_f64().unwrap());
    let html = fs::read_to_string(root.join("report/report.html")).unwrap();
    assert!(markdown.contains(&accuracy) && html.contains(&accuracy));
    let corpus =
        |line: &&str| line.starts_with("- songs (") && line.contains(" min wrong per hour");
    assert_eq!(markdown.lines().filter(corpus).count(), 1);
    assert_eq!(html.matches("<li>").count(), 1, "a line for each corpus");
    for plot in [
        "lookahead",
        "roc",
        "histogram-1",
        "songs-songs",
        "song-1",
        "song-2",
    ] {
        let svg = fs::read_to_string(root.join(format!("report/{plot}.svg"))).unwrap();
        assert!(svg.starts_with("<svg"), "{plot}");
        assert!(markdown.contains(&format!("![]({plot}.svg)")), "{plot}");
    }
    assert_eq!(
        html.matches("<svg").count(),
        markdown.matches("![](").count()
    );
    // It fetches nothing: the only address is the name of SVG itself.
    let addresses = html.matches("http").count();
    assert_eq!(
        addresses,
        html.matches("http://www.w3.org/2000/svg").count()
    );
    assert!(!html.contains("NaN") && !markdown.contains("NaN"));

    // A player for each of the worst moments, the longest first, with the sound of the recording.
    let moments = report["moments"].as_array().unwrap();
    let lengths: Vec<f64> = moments.iter().map(length_s).collect();
    assert!(
        !lengths.is_empty() && lengths.is_sorted_by(|a, b| a >= b),
        "{lengths:?}"
    );
    for (moment, number) in moments.iter().zip(1..) {
        let name = format!("moment-{number:02}.wav");
        assert!(html.contains(&format!("<audio controls preload=\"none\" src=\"{name}\">")));
        let clip = hound::WavReader::open(root.join("report").join(name)).unwrap();
        let clip_s = f64::from(clip.duration()) / f64::from(clip.spec().sample_rate);
        assert!(
            clip_s >= length_s(moment).min(6.0) && clip_s <= 8.0,
            "{clip_s} {moment}"
        );
    }
    // The page begins with the plots; the published rows are marked.
    assert!(html.find("<svg").unwrap() < html.find("<table").unwrap());
    assert!(html.contains("causal *") && html.contains("<tr class=\"published\">"));
}

fn length_s(moment: &Value) -> f64 {
    moment["to_s"].as_f64().unwrap() - moment["from_s"].as_f64().unwrap()
}

/// Probability and label of every window of a folder's tables, at one horizon.
fn scores(folder: &Path, horizon_frames: u32) -> Vec<(f64, bool)> {
    let tables = ["first.csv", "second.csv"].map(|name| fs::read_to_string(folder.join(name)));
    let mut rows = Vec::new();
    for table in tables {
        let table = table.unwrap();
        let (header, lines) = table.split_once('\n').unwrap();
        assert_eq!(header, "horizon_frames,t,p,label");
        for line in lines.lines() {
            let fields: Vec<&str> = line.split(',').collect();
            if fields[0] == horizon_frames.to_string() {
                rows.push((fields[2].parse().unwrap(), fields[3] == "1"));
            }
        }
    }
    rows
}

fn songs_windows(report: &Value) -> u64 {
    let name = &report["shown"][0]["name"];
    let songs = report["songs"].as_array().unwrap();
    let song = songs.iter().find(|s| s["name"] == *name).unwrap();
    song["windows"].as_u64().unwrap()
}

fn levels(rows: &Value) -> Vec<f64> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["db"].as_f64().unwrap()).collect()
}

#[test]
fn stems_are_remixed_and_tables_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, channels) in [("vocals", 1), ("instrumental", 2)] {
        fs::create_dir_all(root.join("stems").join(name)).unwrap();
        wav(&root.join(format!("stems/{name}/song.wav")), channels, 3.0);
    }
    let experiment = "\
name = \"e\"\ndepth = 14\nhorizons_frames = [39]\ndefault_horizon_frames = 39\nlicense = \"CC0-1.0\"\n\
[training]\nseed = 1\nbatch_windows = 2\nepoch_batches = 1\nmax_epochs = 1\npatience_epochs = 1\n\
learning_rate = 1e-3\nlearning_rate_epochs = 1\nlearning_rate_factor = 1.0\nweight_decay = 0.0\n\
[[corpus]]\nkind = \"stems\"\nroot = \"stems\"\nweight = 1.0\ntest = [\"song\"]\n";
    fs::write(root.join("e.toml"), experiment).unwrap();
    let mut command = with_model("evaluate --stress --lookahead 0.6 --threads 1");
    command.arg(root.join("e.toml")).arg("--data").arg(root);
    command.arg("--features").arg(root.join("features"));
    let output = run(&mut command);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let lines: Vec<&str> = output.out.lines().collect();
    // A headline in words first; no line of it and of the two tables is wider than 100 columns.
    assert_eq!(
        lines[0],
        "untrained, as published at a look-ahead of 0.58 s"
    );
    assert!(lines[1].starts_with("  stems (1 track, "), "{}", lines[1]);
    assert!(lines[2].contains(" min wrong per hour, "), "{}", lines[2]);
    let voices = lines.iter().position(|line| *line == "Voices").unwrap();
    let wide = lines[2..voices + 5]
        .iter()
        .find(|line| line.chars().count() > 100);
    assert_eq!(wide, None);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("stems   causal *"))
    );
    let table = |title: &str| {
        let from = lines.iter().position(|line| *line == title).unwrap();
        let rows = &lines[from + 2..];
        rows.iter().take_while(|line| !line.is_empty()).count()
    };
    // The detailed look-ahead alone.
    assert_eq!(table("Decisions"), 3);
    assert_eq!(table("Voices"), 3);
    assert_eq!(table("Gain"), 7);
    assert_eq!(table("Voice to music"), 9);
    assert_eq!(table("Without treble"), 3);
    assert_eq!(table("Sound without singing"), 19);
}

#[test]
fn what_is_labelled_in_parts_is_measured_in_parts_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    songs(root);
    // The same labels again, but for two seconds and a half of which nobody is sure.
    let whole = evaluate(root, "--json --scores ROOT/whole");
    let parts = "0 2.5 nosing\n2.5 3.5 sing\n5.0 6 nosing\n";
    fs::write(root.join("songs/first.lab"), parts).unwrap();
    let refused = evaluate(root, "--json");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("first has no label at 3.5"),
        "{}",
        refused.err
    );

    let output = evaluate(root, "--partly-labelled --json --scores ROOT/parts");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let report: Value = serde_json::from_str(&output.out).unwrap();
    let whole: Value = serde_json::from_str(&whole.out).unwrap();
    let share = report["corpora"][0]["labelled_share"].as_f64().unwrap();
    assert!((share - 8.5 / 10.0).abs() < 0.01, "{share}");
    assert_eq!(whole["corpora"][0]["labelled_share"], 1.0);

    // The tables hold every window; the figures those with a label.
    let table = |run: &str| fs::read_to_string(root.join(run).join("songs/first.csv")).unwrap();
    let (all, known) = (table("whole"), table("parts"));
    let open: Vec<&str> = known.lines().filter(|row| row.ends_with(',')).collect();
    assert_eq!(all.lines().count(), known.lines().count());
    for (row, part) in all.lines().zip(known.lines()).skip(1) {
        let t: f64 = part.split(',').nth(1).unwrap().parse().unwrap();
        let (row, label) = row.rsplit_once(',').unwrap();
        let is_open = (3.5..5.0).contains(&t);
        assert_eq!(
            part.strip_prefix(row),
            Some(if is_open { "," } else { &part[row.len()..] })
        );
        assert!(is_open || part.ends_with(label), "{part}");
    }
    let horizons = report["model"]["horizons"].as_array().unwrap().len();
    let windows = |report: &Value| {
        let rows = report["figures"].as_array().unwrap().iter();
        let raw = rows.filter(|row| row["smoothing"] == "raw");
        raw.map(|row| row["windows"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(horizons > 0 && !open.is_empty());
    assert_eq!(windows(&whole) - windows(&report), open.len() as u64);
    // Only the other track's changes are counted: a voice that comes and goes once.
    let labelled = |report: &Value| report["figures"][0]["onsets"]["labelled"].as_u64().unwrap();
    assert_eq!((labelled(&whole), labelled(&report)), (2, 1));
}

#[test]
fn scores_of_tracks_with_one_name_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (place, seconds) in [("a", 2.0), ("b", 3.0)] {
        let songs = root.join("songs").join(place);
        fs::create_dir_all(&songs).unwrap();
        wav(&songs.join("take.wav"), 1, seconds);
        fs::write(songs.join("take.lab"), "0 1.5 sing\n1.5 3 nosing\n").unwrap();
    }
    let output = evaluate(root, "--json --scores ROOT/scores");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let rows = |name: &str| {
        let table = fs::read_to_string(root.join("scores/songs").join(name)).unwrap();
        table.lines().count()
    };
    assert!(rows("take.csv") < rows("take-2.csv"));
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    songs(root);
    let output = evaluate(root, "--split test");
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("--split is for experiments"),
        "{}",
        output.err
    );
    let output = evaluate(root, "--speech ROOT");
    assert_eq!(output.code, Some(2));
    let output = evaluate(root, "--lookahead 0.01");
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("does not offer a look-ahead of 0.01 s"),
        "{}",
        output.err
    );

    fs::remove_file(root.join("other/second.lab")).unwrap();
    let output = evaluate(root, "--reference ROOT/other");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("holds no labels for second"),
        "{}",
        output.err
    );
    fs::remove_file(root.join("songs/second.txt")).unwrap();
    let output = evaluate(root, "--threads 1");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("songs/second.wav has no labels"),
        "{}",
        output.err
    );

    let output = run(&mut vocald("evaluate /nonexistent"));
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains("/nonexistent"), "{}", output.err);
}

#[test]
fn a_network_that_computes_no_number_is_not_measured() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    songs(root);
    let mut checkpoint = network(1);
    for layer in ["stem.conv", "stages.0.0.conv1"] {
        let weight = checkpoint.weights.get_mut(&format!("{layer}.weight"));
        let weight = weight.unwrap();
        *weight = &*weight * 1e37;
    }
    let path = root.join("damaged.safetensors");
    checkpoint.write(&path).unwrap();
    let mut command = vocald("evaluate");
    command.arg(root.join("songs")).args(["--device", "cpu"]);
    command.arg("--features").arg(root.join("features"));
    let output = run(command.arg("--model").arg(&path));
    assert_eq!(output.code, Some(1), "{}", output.out);
    assert!(
        output.err.contains("produced a number that is not finite"),
        "{}",
        output.err
    );
    assert_eq!(output.out, "");
}
