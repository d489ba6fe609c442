//! Large jobs of `vocald detect`: shards, manifests, what is done already, what others wrote, and interruption.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::program::{Output, run, send_signal, wav, with_model};

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn records(path: &Path) -> Vec<Value> {
    let text = read(path);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn detect(at: &Path, line: &str) -> Output {
    run(with_model(&format!("detect {line}")).current_dir(at))
}

fn songs(at: &Path, count: usize) {
    std::fs::create_dir_all(at.join("songs")).unwrap();
    for k in 0..count {
        wav(&at.join(format!("songs/{k:02}.wav")), 1, 1.5);
    }
}

#[test]
fn shards_are_disjoint_and_complete_and_their_manifests_merge() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    songs(at, 12);
    let mut sounds = Vec::new();
    for k in 1..=3 {
        let output = detect(at, &format!("songs --out labels --shard {k}/3"));
        assert_eq!(output.code, Some(0), "{}", output.err);
        let part = records(&at.join(format!("labels/manifest-{k}-of-3.jsonl")));
        assert!(part.len() < 12);
        sounds.extend(part.iter().map(|r| r["path"].as_str().unwrap().to_owned()));
    }
    let different: BTreeSet<&String> = sounds.iter().collect();
    assert_eq!((sounds.len(), different.len()), (12, 12));
    assert!((0..12).all(|k| at.join(format!("labels/{k:02}.lab")).is_file()));
    // The same parts wherever the folder lies.
    std::fs::rename(at.join("songs"), at.join("elsewhere")).unwrap();
    let again = detect(at, "elsewhere --verdict -q --shard 2/3")
        .out
        .lines()
        .count();
    assert_eq!(
        again,
        records(&at.join("labels/manifest-2-of-3.jsonl")).len()
    );
    for wrong in ["0/3", "4/3", "3", "a/b", "1/0"] {
        let output = detect(at, &format!("elsewhere --verdict --shard {wrong}"));
        assert_eq!(output.code, Some(2), "{wrong}");
    }
}

#[test]
fn what_is_done_is_skipped_until_the_sound_or_the_settings_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    songs(at, 3);
    std::fs::write(at.join("songs/bad.wav"), "dear diary").unwrap();
    let counts = |line: &str| {
        let output = detect(at, &format!("songs --out labels --skip-done {line}"));
        assert_eq!(output.code, Some(1), "{}", output.err);
        let summary = output
            .err
            .lines()
            .find(|line| line.contains("labelled"))
            .unwrap()
            .to_owned();
        let labelled = summary.split(' ').next().unwrap().parse::<u32>().unwrap();
        (labelled, summary.contains("3 done before"))
    };
    assert_eq!(counts(""), (3, false));
    assert_eq!(counts(""), (0, true));
    // Another set of parts knows what was done.
    let output = detect(at, "songs --out labels --skip-done --shard 1/1");
    assert!(output.err.contains("3 done before"), "{}", output.err);
    assert_eq!(counts("--enter 0.9 --leave 0.9"), (3, false));
    assert_eq!(counts("--enter 0.9 --leave 0.9"), (0, true));
    assert_eq!(counts("--enter 0.9 --leave 0.9 --format csv"), (3, false));
    assert_eq!(counts("--precision float32"), (3, false));
    assert_eq!(counts("--precision float32"), (0, true));
    let lines = records(&at.join("labels/manifest.jsonl"));
    assert!(lines.iter().all(|line| line["precision"] == "float32"));
    // As an earlier version wrote it.
    assert_eq!(counts(""), (3, false));
    let path = at.join("labels/manifest.jsonl");
    let precision = format!(",\"precision\":{}", records(&path)[0]["precision"]);
    let text = read(&path);
    assert_eq!(text.matches(&precision).count(), 4, "{text}");
    std::fs::write(&path, text.replace(&precision, "")).unwrap();
    assert_eq!(counts(""), (0, true));
    wav(&at.join("songs/00.wav"), 1, 2.5);
    assert_eq!(counts("").0, 1);
    std::fs::remove_file(at.join("labels/01.lab")).unwrap();
    assert_eq!(counts("").0, 1);

    let lines = records(&at.join("labels/manifest.jsonl"));
    assert_eq!(lines.len(), 4, "one line a file: {lines:?}");
    let of = |name: &str| lines.iter().find(|line| line["path"] == name).unwrap();
    let bad = of("songs/bad.wav");
    assert_eq!(bad["state"], "failed");
    assert!(
        bad["error"]
            .as_str()
            .unwrap()
            .contains("bad.wav is not a sound file")
    );
    let good = of("songs/00.wav");
    assert_eq!(
        (&good["state"], &good["seconds"]),
        (&"done".into(), &2.5.into())
    );
    assert_eq!(good["outputs"][0]["path"], "labels/00.lab");
    assert_eq!(good["model"], "untrained");
    for key in [
        "size",
        "modified_ns",
        "settings",
        "precision",
        "version",
        "voice_share",
        "verdict",
        "finished",
    ] {
        assert!(!good[key].is_null(), "{key}: {good}");
    }
}

#[test]
fn a_job_that_was_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    songs(at, 3);
    assert_eq!(detect(at, "songs --out labels").code, Some(0));
    // As a kill leaves them: one sound whose labels were being written, and half a line.
    let path = at.join("labels/manifest.jsonl");
    let text = read(&path);
    let lines: Vec<&str> = text.lines().collect();
    let torn = lines[1].replace("\"done\"", "\"writing\"");
    std::fs::write(&path, format!("{}\n{torn}\n{}", lines[0], &lines[2][..40])).unwrap();
    let third: Value = serde_json::from_str(lines[2]).unwrap();
    let label = at.join(third["outputs"][0]["path"].as_str().unwrap());
    std::fs::remove_file(label).unwrap();

    let output = detect(at, "songs --out labels --skip-done");
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(output.err.starts_with("2 files labelled"), "{}", output.err);
    assert!(output.err.contains("1 done before"), "{}", output.err);
    let records = records(&path);
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record["state"] == "done"));
}

#[test]
fn labels_that_vocald_did_not_write_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    songs(at, 2);
    let label = at.join("songs/00.lab");
    std::fs::write(&label, "by hand").unwrap();
    let output = detect(at, "songs --beside --manifest m.jsonl");
    assert_eq!(output.code, Some(1));
    assert!(
        output
            .err
            .contains("songs/00.lab exists and is not as vocald wrote it: --overwrite replaces it"),
        "{}",
        output.err
    );
    assert_eq!(read(&label), "by hand");
    assert!(at.join("songs/01.lab").is_file());
    assert_eq!(
        detect(at, "songs --beside --manifest m.jsonl --overwrite").code,
        Some(0)
    );
    assert_ne!(read(&label), "by hand");
    // Its own labels are replaced; changed ones are not.
    assert_eq!(
        detect(at, "songs --beside --manifest m.jsonl").code,
        Some(0)
    );
    std::fs::write(&label, "changed by hand").unwrap();
    assert_eq!(
        detect(at, "songs --beside --manifest m.jsonl").code,
        Some(1)
    );
    assert_eq!(read(&label), "changed by hand");
    // Without a manifest nothing is known to be its own.
    assert_eq!(detect(at, "songs --beside").code, Some(1));
}

#[test]
fn a_manifest_is_written_by_one_process_and_nothing_else_is_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    songs(at, 1);
    std::fs::write(at.join("notes"), "dear diary\n").unwrap();
    let output = detect(at, "songs --verdict --manifest notes");
    assert_eq!(
        (output.code, read(&at.join("notes")).as_str()),
        (Some(1), "dear diary\n")
    );
    assert!(
        output.err.contains("notes: line 1 is no record of vocald"),
        "{}",
        output.err
    );

    let held = std::fs::File::create(at.join("m.jsonl")).unwrap();
    // SAFETY: nothing but a system call on an open file.
    let locked = unsafe { libc::flock(std::os::fd::AsRawFd::as_raw_fd(&held), libc::LOCK_EX) };
    assert_eq!(locked, 0);
    let output = detect(at, "songs --verdict --manifest m.jsonl");
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("m.jsonl is in use by another vocald"),
        "{}",
        output.err
    );
    for line in [
        "songs --verdict --skip-done",
        "songs --beside --skip-done",
        "songs --verdict --overwrite",
    ] {
        assert_eq!(detect(at, line).code, Some(2), "{line}");
    }
}

#[test]
fn an_interrupted_job_ends_soon_and_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("songs")).unwrap();
    wav(&at.join("songs/0.wav"), 1, 1.5);
    wav(&at.join("songs/1.wav"), 1, 600.0);
    wav(&at.join("songs/2.wav"), 1, 1.5);
    let child = with_model("detect songs --out labels --jobs 1")
        .current_dir(at)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !at.join("labels/0.lab").is_file() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    send_signal(&child, libc::SIGINT);
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(
        err.contains("1 file labelled") && err.contains("--skip-done goes on"),
        "{err}"
    );
    let left: BTreeSet<_> = std::fs::read_dir(at.join("labels"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["0.lab".into(), "manifest.jsonl".into()].into());
    assert_eq!(records(&at.join("labels/manifest.jsonl")).len(), 1);
}

/// Ten thousand files: the memory and the time of a job that has nothing to decode.
#[test]
#[ignore = "a soak test of minutes: cargo test --release --test cli -- --ignored ten_thousand"]
fn ten_thousand_files_need_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("one.wav"), 1, 0.1);
    for k in 0..10_000 {
        let path = at.join(format!("songs/{:02}/{k:05}.wav", k % 20));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::hard_link(at.join("one.wav"), path).unwrap();
    }
    let start = Instant::now();
    let output = detect(at, "songs --verdict");
    assert_eq!(
        output.code,
        Some(0),
        "{}",
        output.err.lines().last().unwrap_or_default()
    );
    assert_eq!(output.out.lines().count(), 10_000);
    println!("10 000 files in {:.1} s", start.elapsed().as_secs_f64());
}
