//! `vocald detect` on folders and lists: what is found, what is passed over, and the names of the labels.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use walkdir::WalkDir;

use crate::support::program::{Output, run, wav, with_model};

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A sound of a second and a half in each of these files.
fn wavs(at: &Path, names: &[&str]) {
    for name in names {
        let path = at.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        wav(&path, 1, 1.5);
    }
}

/// Every file below a folder but manifests, in order.
fn files(at: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(at).sort_by_file_name().into_iter().flatten();
    let files = entries
        .filter(|e| e.file_type().is_file())
        .map(|e| e.into_path());
    files
        .filter(|path| path.extension() != Some(OsStr::new("jsonl")))
        .map(|path| path.strip_prefix(at).unwrap().to_owned())
        .collect()
}

#[track_caller]
fn detect(at: &Path, line: &str) -> Output {
    let output = run(with_model(&format!("detect {line}")).current_dir(at));
    assert_eq!(output.code, Some(0), "{line}: {}", output.err);
    output
}

#[track_caller]
fn assert_labels(at: &Path, line: &str, labels: &[&str]) {
    detect(at, &format!("{line} --out labels"));
    let labels: Vec<PathBuf> = labels.iter().map(PathBuf::from).collect();
    assert_eq!(files(&at.join("labels")), labels, "{line}");
    std::fs::remove_dir_all(at.join("labels")).unwrap();
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
        assert_eq!(output.code, Some(0), "{}", output.err);
        assert!(
            output.err.starts_with("3 files labelled: 12.0 s, "),
            "{}",
            output.err
        );
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
fn labels_keep_their_paths_below_the_folder_that_the_inputs_share() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wavs(
        at,
        &[
            "disc1/01.wav",
            "disc2/01.wav",
            "disc2/side b/01.wav",
            "song.wav",
        ],
    );
    assert_labels(
        at,
        "disc1/01.wav disc2/01.wav",
        &["disc1/01.lab", "disc2/01.lab"],
    );
    assert_labels(at, "disc2", &["01.lab", "side b/01.lab"]);
    let both = ["disc1/01.lab", "disc2/01.lab", "disc2/side b/01.lab"];
    assert_labels(at, "disc1 disc2/", &both);
    assert_labels(at, "./disc1 disc1/../disc2", &both);
    assert_labels(at, "disc2/01.wav", &["01.lab"]);
    assert_labels(at, "song.wav disc1", &["disc1/01.lab", "song.lab"]);
    // A file that is also in the folder is labelled once.
    assert_labels(at, "disc1/01.wav disc1", &["disc1/01.lab"]);
}

#[test]
fn sounds_of_one_name_keep_their_endings_in_the_names_of_their_labels() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wavs(
        at,
        &[
            "a/song.wav",
            "a/song.wave",
            "a/other.wav",
            "a/song.wav.wav",
            "a/take.1.wav",
        ],
    );
    let labels = [
        "other.lab",
        "song.wav.lab",
        "song.wav.wav.lab",
        "song.wave.lab",
        "take.1.lab",
    ];
    assert_labels(at, "a", &labels);
    assert_labels(
        at,
        "a/song.wav a/song.wave",
        &["song.wav.lab", "song.wave.lab"],
    );
    // The same whatever the order, and beside the songs.
    assert_labels(
        at,
        "a/song.wave a/song.wav",
        &["song.wav.lab", "song.wave.lab"],
    );
    detect(at, "a --beside");
    for label in labels {
        assert!(at.join("a").join(label).is_file(), "{label}");
    }
}

#[test]
fn what_is_passed_over_is_counted_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wavs(
        at,
        &[
            "a/song.wav",
            "a/._song.wav",
            "a/.hidden.wav",
            "a/.trash/x.wav",
            "a/__MACOSX/y.wav",
        ],
    );
    for name in ["cover.jpg", "back.JPG", "README"] {
        std::fs::write(at.join("a").join(name), "").unwrap();
    }
    let output = detect(at, "a --out first");
    assert_eq!(files(&at.join("first")), [Path::new("song.lab")]);
    let words = "; 7 passed over (2 hidden, 2 of a Mac's file system, 3 no sounds by their names: 2 .jpg, \
                 1 without ending)\n";
    assert!(output.err.ends_with(words), "{}", output.err);
    assert_eq!(detect(at, "a --out more -q").err, "");
    // A hidden file can be named.
    assert_labels(at, "a/.hidden.wav", &[".hidden.lab"]);
}

#[test]
fn links_to_folders_in_a_circle_end() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = folder.path();
    wavs(at, &["a/b/song.wav"]);
    wavs(elsewhere.path(), &["other.wav"]);
    symlink(at.join("a"), at.join("a/b/up")).unwrap();
    symlink("b", at.join("a/again")).unwrap();
    symlink(elsewhere.path(), at.join("a/linked")).unwrap();
    symlink(elsewhere.path(), elsewhere.path().join("itself")).unwrap();
    let output = detect(at, "a --out labels");
    let labels = [Path::new("b/song.lab"), Path::new("linked/other.lab")];
    assert_eq!(files(&at.join("labels")), labels);
    assert!(output.err.contains("3 links to folders"), "{}", output.err);
}

#[test]
fn a_folder_without_sounds_is_an_error_that_does_not_end_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wavs(at, &["a/song.wav"]);
    std::fs::create_dir(at.join("empty")).unwrap();
    std::fs::write(at.join("empty/cover.jpg"), "").unwrap();
    let words = "empty: there is no sound file in this folder; 1 passed over (1 no sounds by their names: 1 .jpg)";
    let output = run(with_model("detect empty a --out labels").current_dir(at));
    assert_eq!(output.code, Some(1));
    assert!(output.err.contains(words), "{}", output.err);
    assert_eq!(files(&at.join("labels")), [Path::new("a/song.lab")]);
    let output = run(with_model("detect empty --out labels").current_dir(at));
    assert_eq!(
        (output.code, output.err),
        (Some(1), format!("vocald: {words}\n"))
    );
}

#[test]
fn what_cannot_be_read_does_not_end_the_job() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wavs(at, &["a/closed/x.wav", "a/secret.wav", "a/song.wav"]);
    std::fs::set_permissions(
        at.join("a/secret.wav"),
        std::fs::Permissions::from_mode(0o0),
    )
    .unwrap();
    let closed = at.join("a/closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o0)).unwrap();
    if std::fs::read_dir(&closed).is_ok() {
        println!("skipped: this user may read every folder");
        return;
    }
    let output = run(with_model("detect a --out labels").current_dir(at));
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.code, Some(1));
    for words in [
        "a/closed: the folder cannot be read",
        "a/secret.wav cannot be read",
        "1 file labelled",
        "2 failed",
    ] {
        assert!(output.err.contains(words), "{words}: {}", output.err);
    }
    assert_eq!(files(&at.join("labels")), [Path::new("song.lab")]);
}

#[test]
fn what_changes_between_listing_and_reading_is_named_and_the_others_are_labelled() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let songs = ["2.wav", "3.wav", "4.wav", "5.wav", "6.wav", "sub/7.wav"];
    wavs(&at.join("songs"), &songs);
    // Given to a program in place of ffmpeg, which changes the folder meanwhile.
    std::fs::write(at.join("songs/1.ac3"), b"\x0B\x77 and more").unwrap();
    let ffmpeg = at.join("bin/ffmpeg");
    std::fs::create_dir(at.join("bin")).unwrap();
    let script = "#!/bin/sh\ncd songs\nrm -rf 2.wav 3.wav 4.wav sub\nmkfifo 3.wav\nmkdir 4.wav\n: > 5.wav\nexit 1\n";
    std::fs::write(&ffmpeg, script).unwrap();
    std::fs::set_permissions(&ffmpeg, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}/bin:{}", at.display(), std::env::var("PATH").unwrap());
    let output = run(with_model("detect songs --out labels --jobs 1")
        .current_dir(at)
        .env("PATH", path));
    assert_eq!(output.code, Some(1), "{}", output.err);
    for words in [
        "songs/1.ac3 cannot be decoded: ffmpeg reports: exit status: 1",
        "songs/2.wav: there is no such file",
        "songs/3.wav is not a regular file",
        "songs/4.wav is a directory",
        "songs/5.wav is empty",
        "songs/sub: the folder cannot be read",
        "1 file labelled",
        "6 failed",
    ] {
        assert!(output.err.contains(words), "{words}: {}", output.err);
    }
    assert_eq!(files(&at.join("labels")), [Path::new("6.lab")]);
}

#[test]
fn names_that_are_not_utf_8_keep_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let name = |ending: &str| {
        let mut bytes = b"a/caf\xe9".to_vec();
        bytes.extend(ending.bytes());
        at.join(OsStr::from_bytes(&bytes))
    };
    std::fs::create_dir(at.join("a")).unwrap();
    wav(&name(".wav"), 1, 1.5);
    let lossy = "a/caf\u{fffd}.wav";
    detect(at, "a --beside --format lab,json --manifest m.jsonl");
    assert!(name(".lab").is_file());
    let json: serde_json::Value = serde_json::from_str(&read(&name(".json"))).unwrap();
    assert_eq!(
        (&json["file"], &json["file_percent"]),
        (&lossy.into(), &"a/caf%E9.wav".into())
    );
    let record: serde_json::Value = serde_json::from_str(&read(&at.join("m.jsonl"))).unwrap();
    assert_eq!(
        (&record["path"], &record["path_percent"]),
        (&lossy.into(), &"a/caf%E9.wav".into())
    );
    let mut command = with_model("detect a --verdict -q");
    let verdict = command.current_dir(at).output().unwrap().stdout;
    assert!(verdict.ends_with(b"\ta/caf\xe9.wav\n"));
    // Named itself, too.
    let mut command = with_model("detect --verdict -q");
    command.arg(name(".wav")).current_dir(at);
    assert!(
        command
            .output()
            .unwrap()
            .stdout
            .ends_with(b"/a/caf\xe9.wav\n")
    );
}

#[test]
fn names_do_nothing_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("songs")).unwrap();
    for name in ["a\nb.wav", "\u{1b}[31mred.wav"] {
        std::fs::write(at.join("songs").join(name), "no sound").unwrap();
    }
    let output = run(with_model("detect songs --verdict").current_dir(at));
    assert_eq!(output.code, Some(1));
    for line in [
        "vocald: songs/a\\nb.wav is",
        "vocald: songs/\\u{1b}[31mred.wav is",
    ] {
        assert!(
            output.err.lines().any(|l| l.starts_with(line)),
            "{line}: {}",
            output.err
        );
    }
}

#[test]
fn a_list_names_the_sounds() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wavs(at, &["a/1.wav", "a/2.wav", "b/3.wav", "new\nline.wav"]);
    std::fs::write(at.join("list"), "a/1.wav\r\n\nb/3.wav\n").unwrap();
    assert_labels(at, "--list list", &["a/1.lab", "b/3.lab"]);
    assert_labels(
        at,
        "a/2.wav --list list",
        &["a/1.lab", "a/2.lab", "b/3.lab"],
    );
    std::fs::write(at.join("list"), "a\0new\nline.wav\0").unwrap();
    assert_labels(
        at,
        "--list list --null",
        &["a/1.lab", "a/2.lab", "new\nline.lab"],
    );

    let mut command = with_model("detect --list - --verdict -q");
    let list = std::fs::File::create_new(at.join("stdin")).unwrap();
    std::fs::write(at.join("stdin"), "b/3.wav\na/1.wav\n").unwrap();
    drop(list);
    let list = std::fs::File::open(at.join("stdin")).unwrap();
    let output = command
        .current_dir(at)
        .stdin(Stdio::from(list))
        .output()
        .unwrap();
    let verdicts = String::from_utf8(output.stdout).unwrap();
    let paths: Vec<&str> = verdicts
        .lines()
        .map(|line| line.split('\t').nth(2).unwrap())
        .collect();
    assert_eq!(paths, ["b/3.wav", "a/1.wav"]);

    std::fs::write(at.join("list"), "\n").unwrap();
    let output = run(with_model("detect --list list --verdict").current_dir(at));
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("the list list names no file"),
        "{}",
        output.err
    );
}

#[test]
fn run_plays_a_file_whose_name_is_not_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"caf\xe9.wav");
    wav(&folder.path().join(name), 1, 1.5);
    let mut command = with_model("run --pace max --only decision");
    let output = run(command.arg(name).current_dir(folder.path()));
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    assert!(
        output.out.contains("\"stream\":\"caf\u{fffd}.wav\""),
        "{}",
        output.out
    );
}
