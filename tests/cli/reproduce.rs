//! `vocald reproduce` on a made MIR-1K of a few seconds, with trainings of a few batches: what it
//! trains, goes on with, measures anew and names as missing.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::program::{Output, run, send_signal, vocald};

/// A second of music and two of a voice over it, as MIR-1K keeps them.
fn clip(data: &Path, name: &str) {
    let folder = data.join("mir1k");
    fs::create_dir_all(&folder).unwrap();
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 22_050,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(folder.join(format!("{name}.wav")), spec).unwrap();
    for n in 0..3 * 22_050 {
        let tone = |hz: f32| (n as f32 / 22_050.0 * hz * std::f32::consts::TAU).sin() * 0.3;
        writer.write_sample(tone(200.0)).unwrap();
        let voice = if n >= 22_050 { tone(1500.0) } else { 0.0 };
        writer.write_sample(voice).unwrap();
    }
    writer.finalize().unwrap();
    let labels = "0\n".repeat(50) + &"1\n".repeat(98);
    fs::write(folder.join(format!("{name}.vocal")), labels).unwrap();
}

pub(super) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// Two clips to train on, one for validation, two to test on.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a_1", "b_1", "h_1", "l_1", "m_1"] {
            clip(&folder.path().join("data"), name);
        }
        Self { folder }
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn command(&self, options: &str) -> std::process::Command {
        let mut command =
            vocald("reproduce --run run --features features --device cpu --threads 1");
        command
            .args(options.split_whitespace())
            .current_dir(self.folder.path());
        command
    }

    pub(super) fn reproduce(&self, options: &str) -> Output {
        run(&mut self.command(options))
    }

    fn training(&self, name: &str) -> PathBuf {
        self.at("run").join(name)
    }

    pub(super) fn result(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.training(name).join("result.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The numbers of the epochs in a training's log, as they stand there.
    fn epochs(&self, name: &str) -> Vec<u64> {
        let log = fs::read_to_string(self.training(name).join("log.jsonl")).unwrap();
        log.lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["epoch"]
                    .as_u64()
                    .unwrap()
            })
            .collect()
    }
}

const SMALL: &str = "paper-mir1k-se_resnet-14-seed-1";
const OTHER: &str = "paper-mir1k-scnn-seed-1";

/// The cells of the line of a table that begins with these words.
pub(super) fn cells(text: &str, begin: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("no line `{begin}` in:\n{text}"));
    line.split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn an_interrupted_table_goes_on_and_a_finished_one_is_left_alone() {
    let place = Place::new();
    let options = "--architecture scnn,se_resnet-14 --max-epochs 2 --epoch-batches 1 --report r.md";

    // Ctrl-C after the first epoch of the first, which is the cheaper one.
    let mut child = place
        .command(options)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut log = String::new();
    while !log.contains("epoch   1") {
        assert!(stderr.read_line(&mut log).unwrap() > 0, "{log}");
    }
    send_signal(&child, libc::SIGINT);
    stderr.read_to_string(&mut log).unwrap();
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{log}");
    assert!(
        log.contains("Jamendo is not there: data/jamendo is not a folder"),
        "{log}"
    );
    assert!(
        log.contains("se_resnet-14 on MIR-1K, seed 1 (1 of 2): not begun"),
        "{log}"
    );
    assert!(
        log.contains("interrupted; run the same command again to resume"),
        "{log}"
    );
    assert!(
        out.contains("MIR-1K: se_resnet-14: 1 of at most 2 epochs done"),
        "{out}"
    );
    assert!(!place.training(OTHER).exists());

    let output = place.reproduce(options);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(
        output.err.contains("(1 of 2): 1 of at most 2 epochs done"),
        "{}",
        output.err
    );
    assert_eq!(place.epochs(SMALL), [0, 1]);
    assert_eq!(place.epochs(OTHER), [0, 1]);

    // What is kept of it.
    let result = place.result(SMALL);
    assert_eq!(
        (&result["epochs"], &result["batches"]),
        (&2.into(), &2.into())
    );
    assert_eq!(result["devices"], serde_json::json!(["cpu, 1 thread"]));
    assert_eq!(result["precision"], "float32");
    assert_eq!(result["checkpoint"], "paper-mir1k-14.safetensors");
    // Two clips of 3 s: (66 150 - 25 909) / 1575 and the first; the centres of 4 of 26 windows lie
    // in the first second.
    let test = &result["test"];
    assert_eq!(test["windows"], 52);
    let always = test["always_voice_accuracy"].as_f64().unwrap();
    assert!((0.75..0.9).contains(&always), "{always}");
    let tracks = test["tracks"].as_array().unwrap();
    assert_eq!(tracks.len(), 2);
    let right: u64 = tracks.iter().map(|t| t[0].as_u64().unwrap()).sum();
    assert_eq!(test["accuracy"].as_f64().unwrap(), right as f64 / 52.0);

    // The tables.
    let accuracy = format!("{:.3}", right as f64 / 52.0);
    let ours = cells(&output.out, "se_resnet-14 ");
    assert_eq!(ours[..2], ["se_resnet-14", "ours"]);
    assert!(ours[2].starts_with(&accuracy), "{ours:?}");
    assert_eq!(ours[3..], ["–"; 3]);
    let paper = cells(&output.out, "se_resnet-18 ");
    assert_eq!(paper[1..], ["paper", "0.882", "0.877", "0.895", "0.890"]);
    assert!(ours[2].ends_with(&format!("; {always:.3}")), "{ours:?}");
    for expected in [
        "Shortened by --max-epochs 2 --epoch-batches 1: these figures say nothing",
        "Jamendo: all networks: data/jamendo is not a folder",
        "RWC pop: all networks: data/rwc is not a folder",
        "JRM: all networks: data/jamendo is not a folder; data/rwc is not a folder",
        "not begun, not selected",
    ] {
        assert!(
            output.out.contains(expected),
            "`{expected}` in:\n{}",
            output.out
        );
    }
    let page = fs::read_to_string(place.at("r.md")).unwrap();
    for expected in [
        "vocald reproduce --run run --features features --device cpu --threads 1 --architecture \
         scnn,se_resnet-14 --max-epochs 2 --epoch-batches 1 --report r.md",
        "**Shortened by --max-epochs 2",
        "| MIR-1K | scnn | 1 |",
        "- Jamendo: all networks: data/jamendo is not a folder",
    ] {
        assert!(page.contains(expected), "`{expected}` in:\n{page}");
    }

    // Once more: nothing is trained or measured.
    let again = place.reproduce(options);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(!again.err.contains(" of 2)"), "{}", again.err);
    assert_eq!(again.out, output.out);

    // Another file in the checkpoint's place: the result is of neither.
    let checkpoint = place.training(SMALL).join("paper-mir1k-14.safetensors");
    fs::copy(place.training(SMALL).join("best.safetensors"), &checkpoint).unwrap();
    let table = place.reproduce(&format!("{options} --dry-run"));
    let why = "its result is stale: paper-mir1k-14.safetensors is another file now";
    assert!(
        table.out.contains(&format!("MIR-1K: se_resnet-14: {why}")),
        "{}",
        table.out
    );
    assert!(
        table
            .out
            .ends_with("To do, in this order\nse_resnet-14 on MIR-1K, seed 1\n")
    );
    let remeasured = place.reproduce(options);
    assert!(
        remeasured.err.contains(&format!("(1 of 1): {why}")),
        "{}",
        remeasured.err
    );
    assert_eq!(remeasured.out, output.out);
    assert_eq!(place.epochs(SMALL), [0, 1]);
    fs::write(place.training(OTHER).join("result.json"), "{}").unwrap();
    let table = place.reproduce(&format!("{options} --dry-run"));
    assert!(
        table
            .out
            .contains("MIR-1K: scnn: its result is stale: missing field"),
        "{}",
        table.out
    );
}

#[test]
fn a_training_by_hand_is_taken_up_in_its_own_precision() {
    let place = Place::new();
    let recipe = include_str!("../../config/experiments/paper/mir1k.toml")
        .replace("[training]", "[training]\nprecision = \"bfloat16\"")
        .replace("epoch_batches = 970", "epoch_batches = 1")
        .replace("max_epochs = 100", "max_epochs = 1");
    fs::write(place.at("bf16.toml"), recipe).unwrap();
    let line = format!(
        "train bf16.toml --depth 14 --data data --run run/{SMALL} --features features --device cpu"
    );
    let trained = run(vocald(&line).current_dir(place.folder.path()));
    assert_eq!(trained.code, Some(0), "{}", trained.err);

    let options = "--architecture se_resnet-14 --epoch-batches 1";
    let other = place.reproduce(&format!("{options} --max-epochs 1 --precision float32"));
    assert_eq!(other.code, Some(1));
    let why = "belongs to an experiment with other settings";
    assert!(
        other.err.contains(why) && other.out.contains(why),
        "{}",
        other.err
    );

    let output = place.reproduce(&format!("{options} --max-epochs 1"));
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(
        output.err.contains("(1 of 1): trained, not measured yet"),
        "{}",
        output.err
    );
    assert_eq!(place.epochs(SMALL), [0]);
    assert_eq!(place.result(SMALL)["precision"], "bfloat16");

    // Longer than it was: it goes on.
    let longer = place.reproduce(&format!("{options} --max-epochs 2"));
    assert!(
        longer.err.contains("1 of at most 2 epochs done"),
        "{}",
        longer.err
    );
    assert_eq!(place.epochs(SMALL), [0, 1]);
    assert_eq!(place.result(SMALL)["epochs"], 2);
    let table = place.reproduce(&format!("{options} --max-epochs 2 --dry-run"));
    assert!(
        table.out.ends_with("To do, in this order\nnothing\n"),
        "{}",
        table.out
    );
}

#[test]
fn what_cannot_be_is_refused_and_what_is_damaged_is_named() {
    let place = Place::new();
    for (options, expected) in [
        (
            "--corpus mir2k",
            "`mir2k` is no corpus of the paper: mir1k, jamendo, rwc, jrm",
        ),
        (
            "--architecture se_resnet",
            "`se_resnet` is no network of the paper's tables: scnn",
        ),
        ("--architecture se_resnet-15", "se_resnet-14, se_resnet-18"),
        ("--max-epochs 0", "at least 1"),
    ] {
        let output = place.reproduce(options);
        assert_eq!(output.code, Some(2), "{}", output.err);
        assert!(
            output.err.contains(expected),
            "`{expected}` in: {}",
            output.err
        );
    }
    let gone = place.reproduce("--data nowhere --dry-run");
    assert_eq!(gone.code, Some(0), "{}", gone.err);
    let gone = place.reproduce("--data nowhere");
    assert_eq!(gone.code, Some(1));
    assert!(
        gone.err.contains("no corpus can be trained on; --data"),
        "{}",
        gone.err
    );

    // Sound that cannot be decoded is found when it is read; the corpus is not tried again.
    let data = place.at("data/mir1k");
    for name in ["c_1", "c_2", "c_3", "c_4"] {
        fs::write(data.join(format!("{name}.vocal")), "0\n1\n").unwrap();
        fs::copy(data.join("a_1.wav"), data.join(format!("{name}.wav"))).unwrap();
    }
    fs::remove_file(data.join("c_4.vocal")).unwrap();
    let output = place.reproduce("--corpus mir1k --architecture scnn,se_resnet-14");
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .out
            .contains("MIR-1K: all networks: data/mir1k/c_4.wav has no .vocal file"),
        "{}",
        output.out
    );
    assert!(!place.at("run").exists());
}

#[test]
fn bench_tells_how_fast_windows_are_drawn_and_what_is_not_there() {
    let place = Place::new();
    let bench = |options: &str| {
        run(vocald(&format!("bench {options}"))
            .args(["--features", "features"])
            .current_dir(place.folder.path()))
    };
    let output = bench("--drawing paper-mir1k --passes 20 --json");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let figures: Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(
        (&figures["experiment"], &figures["windows"]),
        (&"paper-mir1k".into(), &20.into())
    );
    assert!(figures["windows_a_second"].as_f64().unwrap() > 0.0);
    let output = bench("--drawing paper-jamendo");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("jamendo is not a folder"),
        "{}",
        output.err
    );
    let output = bench("--drawing paper-mir1k --training");
    assert_eq!(output.code, Some(2), "{}", output.err);
}
