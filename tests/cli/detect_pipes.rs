//! `vocald detect` on standard input, FIFOs and raw samples.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::program::{Output, run, send_signal, sound, wav, with_model};

/// `detect LINE` with `input` on standard input.
fn detect(at: &Path, line: &str, input: &[u8]) -> Output {
    fed(at, &format!("detect {line}"), input)
}

/// A command with `input` on standard input.
fn fed(at: &Path, line: &str, input: &[u8]) -> Output {
    let mut child = with_model(line)
        .current_dir(at)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Without a reader the rest is not needed.
    let writer = std::thread::spawn(move || _ = stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Output {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn s16le(samples: &[f32]) -> Vec<u8> {
    let samples = samples
        .iter()
        .map(|x| (x.clamp(-1.0, 1.0) * 32_767.0) as i16);
    samples.flat_map(i16::to_le_bytes).collect()
}

#[test]
fn any_file_may_come_by_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("song.wav"), 2, 3.0);
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sounds");
    let mut files: Vec<_> = ["tone.flac", "tone.mp3", "tone.ogg", "tone.aiff"]
        .map(|name| data.join(name))
        .into();
    files.push(at.join("song.wav"));
    for file in files {
        let mut command = with_model("detect --format csv -q");
        let named = run(command.arg(&file));
        let piped = detect(at, "- --format csv -q", &std::fs::read(&file).unwrap());
        assert_eq!(
            (piped.code, &piped.out),
            (named.code, &named.out),
            "{}",
            piped.err
        );
        assert_eq!(piped.code, Some(0), "{}", piped.err);
    }
    // A file as standard input, and labels in a folder.
    let stdin = File::open(at.join("song.wav")).unwrap();
    let output = run(with_model("detect - --out labels")
        .current_dir(at)
        .stdin(stdin));
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(at.join("labels/stdin.lab").is_file());
}

#[test]
fn raw_samples_are_labelled_as_declared() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let bytes = s16le(&sound(16_000, 2, 3.0));
    let options = "--raw s16le --rate 16000 --channels 2 --format csv";
    let piped = detect(at, &format!("- {options} -q"), &bytes);
    assert_eq!((piped.code, piped.err.as_str()), (Some(0), ""));
    assert_eq!(piped.out.lines().count(), 27);
    std::fs::create_dir(at.join("takes")).unwrap();
    std::fs::write(at.join("takes/one.raw"), &bytes).unwrap();
    let named = run(with_model(&format!("detect takes {options} -q")).current_dir(at));
    assert_eq!(named.out, piped.out);
    for line in [
        "- --raw s16le",
        "- --raw s16le --rate 16000",
        "- --rate 16000",
        "- --channels 1",
    ] {
        assert_eq!(detect(at, line, &bytes).code, Some(2), "{line}");
    }
    let cut = detect(at, &format!("- {options}"), &bytes[..bytes.len() - 3]);
    assert!(
        cut.err.contains("the last 1 bytes are not a whole frame"),
        "{}",
        cut.err
    );
}

#[test]
fn bytes_that_contradict_the_declaration_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let samples = sound(16_000, 1, 6.0);
    let f32le: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    let s16le = s16le(&samples);
    let swapped: Vec<u8> = s16le
        .chunks(2)
        .flat_map(|pair| [pair[1], pair[0]])
        .collect();
    wav(&at.join("song.wav"), 1, 3.0);
    let file = std::fs::read(at.join("song.wav")).unwrap();
    let warned = |format: &str, bytes: &[u8]| {
        let line = format!("- --raw {format} --rate 16000 --channels 1 --verdict");
        let output = detect(at, &line, bytes);
        assert_eq!(output.code, Some(0), "{}", output.err);
        let line = format!("run - --format {format} --rate 16000 --channels 1 --only gap");
        let live = fed(at, &line, bytes);
        assert_eq!(live.code, Some(0), "{}", live.err);
        for sentence in ["the bytes begin like", "are they"] {
            let is_in = |err: &str| err.contains(sentence);
            assert_eq!(is_in(&live.err), is_in(&output.err), "{}", live.err);
        }
        output.err
    };
    let err = warned("s16le", &file);
    assert!(
        err.contains("the bytes begin like a WAV file, but raw s16le samples are declared"),
        "{err}"
    );
    for (format, bytes) in [
        ("s16le", &f32le),
        ("f32le", &s16le),
        ("s16le", &swapped),
        ("s32le", &f32le),
    ] {
        let err = warned(format, bytes);
        assert!(
            err.contains(&format!("are they {format} samples?")),
            "{format}: {err}"
        );
        assert!(err.contains("1 with warnings"), "{err}");
    }
    for (format, bytes) in [("s16le", &s16le), ("f32le", &f32le)] {
        let err = warned(format, bytes);
        assert!(!err.contains("WARN"), "{format}: {err}");
    }
}

#[test]
fn raw_samples_without_a_declaration_are_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = s16le(&sound(16_000, 1, 3.0));
    let output = detect(folder.path(), "-", &bytes);
    assert_eq!((output.code, output.out.as_str()), (Some(1), ""));
    assert!(
        output.err.contains("stdin") && output.err.contains("--raw"),
        "{}",
        output.err
    );
}

#[test]
fn standard_input_without_a_byte_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = detect(folder.path(), "-", b"");
    assert_eq!(
        (output.code, output.err.as_str()),
        (
            Some(1),
            "vocald: stdin cannot be decoded: it ended without a byte\n"
        )
    );
}

fn mkfifo(path: &Path) -> bool {
    let made = Command::new("mkfifo").arg(path).status();
    made.is_ok_and(|status| status.success())
}

#[test]
fn a_fifo_is_read_once_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("song.wav"), 1, 3.0);
    if !mkfifo(&at.join("pipe.wav")) {
        println!("skipped: there is no mkfifo here");
        return;
    }
    let named = run(with_model("detect song.wav -q").current_dir(at));
    for name in ["pipe.wav", "fifo:pipe.wav"] {
        let bytes = std::fs::read(at.join("song.wav")).unwrap();
        let path = at.join("pipe.wav");
        // Comes later than its reader.
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            std::fs::write(path, bytes).unwrap();
        });
        let output = run(with_model(&format!("detect {name} -q")).current_dir(at));
        writer.join().unwrap();
        assert_eq!(
            (output.code, output.out),
            (Some(0), named.out.clone()),
            "{}",
            output.err
        );
    }
    // In a folder it is passed over.
    let output = run(with_model("detect . --verdict").current_dir(at));
    assert!(output.err.contains("1 no regular files"), "{}", output.err);

    // Without a writer it can be interrupted.
    let child = with_model("detect pipe.wav")
        .current_dir(at)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let is_open = || {
        let mut options = File::options();
        let options = options.write(true).custom_flags(libc::O_NONBLOCK);
        options.open(at.join("pipe.wav")).is_ok()
    };
    while !is_open() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    send_signal(&child, libc::SIGINT);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}
