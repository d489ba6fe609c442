//! `vocald detect` on several threads, on every N-th window, and with the look-ahead of recordings.

use std::path::Path;

use crate::support::program::{run, vocald, wav, with_model};

/// Part of the warning about windows that `--every` does not fill.
const HELD: &str = "only hold the last prediction";

fn rows(command: &mut std::process::Command) -> Vec<String> {
    let output = run(command);
    assert_eq!(output.code, Some(0));
    let is_expected = |line: &str| line.contains(HELD);
    assert!(output.err.lines().all(is_expected), "{}", output.err);
    output.out.lines().skip(1).map(ToOwned::to_owned).collect()
}

fn column(rows: &[String], number: usize) -> Vec<f64> {
    let cell = |row: &String| row.split(',').nth(number).unwrap().parse().unwrap();
    rows.iter().map(cell).collect()
}

fn demo() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.ogg"))
}

#[test]
fn the_labels_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    // The last windows do not fill a batch.
    wav(&folder.path().join("song.wav"), 2, 3.4);
    let labels = |line: &str| {
        let line = format!("detect song.wav --format csv {line}");
        rows(with_model(&line).current_dir(folder.path()))
    };
    for every in [1, 3] {
        let one = labels(&format!("--threads 1 --every {every}"));
        assert_eq!(one.len(), 32);
        assert_eq!(
            one,
            labels(&format!("--threads 3 --every {every}")),
            "every {every}"
        );
    }
}

#[test]
fn the_built_in_model_labels_alike_on_one_thread_and_on_three() {
    let labels = |line: &str| {
        let mut command = vocald("detect --device cpu --format csv");
        rows(command.args(line.split_whitespace()).arg(demo()))
    };
    let one = labels("--threads 1 --every 8");
    assert_eq!(one, labels("--threads 3 --every 8"));
    // One decision for every window, as without --every.
    assert_eq!(one.len(), 1244);
}

#[test]
fn windows_that_are_left_out_have_decisions_and_the_others_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    wav(&folder.path().join("song.wav"), 1, 2.5);
    let labels = |line: &str| {
        let line = format!("detect song.wav --format csv {line}");
        rows(with_model(&line).current_dir(folder.path()))
    };
    let exact = labels("");
    let third = labels("--every 3");
    assert_eq!(column(&exact, 0), column(&third, 0));
    let (exact, third) = (column(&exact, 1), column(&third, 1));
    for (n, p) in third.iter().enumerate() {
        // The horizons of this model are no whole number of windows apart, so the last prediction holds on.
        assert!((p - exact[n / 3 * 3]).abs() < 1e-5, "{n}");
    }
}

#[test]
fn windows_that_no_output_fills_are_counted_in_one_warning() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.wav", "b.wav"] {
        wav(&folder.path().join(name), 1, 1.5);
    }
    let held = |line: &str| {
        let line = format!("detect a.wav b.wav --verdict --precision float32 {line}");
        let err = run(with_model(&line).current_dir(folder.path())).err;
        let lines = err.lines().filter(|line| line.contains(HELD));
        lines.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(held("").len(), 0);
    let [warning] = &held("--every 3")[..] else {
        panic!("not one warning");
    };
    assert!(warning.contains("2 of 3 windows"), "{warning}");
}

#[test]
fn recordings_are_labelled_with_the_longest_look_ahead_and_live_with_the_default() {
    let folder = tempfile::tempdir().unwrap();
    wav(&folder.path().join("song.wav"), 1, 2.0);
    let labels = |line: &str| {
        let line = format!("detect song.wav --format csv {line}");
        rows(with_model(&line).current_dir(folder.path()))
    };
    let (longest, default) = (labels("--horizon 39"), labels("--horizon 7"));
    assert_ne!(longest, default);
    assert_eq!(labels(""), longest);
    assert_eq!(labels("--live"), default);
    // What is set by name holds in both.
    assert_eq!(labels("--live --horizon 39"), longest);
    let both = with_model("detect song.wav --live --every 2")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(both.status.code(), Some(2));
}
