//! `vocald run` on sound that comes from files and pipes, through the built program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use vocald::audio::{AudioFormat, Decoder};

use crate::support::daemon::PATIENCE;
use crate::support::program::{
    messages, of_type, run, send_signal, sound, states, wav, with_model,
};

/// Time, probability and state of every decision.
fn decisions(messages: &[Value], stream: &str) -> Vec<(f64, f64, bool)> {
    let decision = |m: &&Value| {
        (
            m["t"].as_f64().unwrap(),
            m["p"].as_f64().unwrap(),
            m["voice"].as_bool().unwrap(),
        )
    };
    let of_stream = of_type(messages, "decision")
        .into_iter()
        .filter(|m| m["stream"] == stream);
    of_stream.map(|m| decision(&m)).collect()
}

fn assert_same(a: &[(f64, f64, bool)], b: &[(f64, f64, bool)]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!(
            (a.0 - b.0).abs() < 1e-5 && (a.1 - b.1).abs() < 1e-5 && a.2 == b.2,
            "{a:?} {b:?}"
        );
    }
}

#[test]
fn a_file_is_reported_from_hello_to_ended_and_every_message_keeps_to_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 2, 6.0);
    let point = "--enter 0.44 --reenter 0.4375 --recency 3 --leave 0.43";
    let output = run(with_model(&format!("run --pace max --levels {point}")).arg(&song));
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    let all = messages(&output.out);
    let stream = song.to_str().unwrap();

    let hello = &all[0];
    assert_eq!(hello["type"], "hello");
    assert_eq!(hello["model"], "untrained");
    assert_eq!(hello["streams"][0]["state"], "starting");
    let thresholds = ["enter", "reenter", "leave"].map(|key| hello["thresholds"][key].as_f64());
    assert_eq!(thresholds, [Some(0.44), Some(0.4375), Some(0.43)]);
    assert_eq!(states(&all, stream), ["running", "ended"]);
    assert_eq!(all.last().unwrap()["state"], "ended");
    assert!(of_type(&all, "gap").is_empty());

    // 6 s are 132 300 samples: (132 300 - 25 909) / 1575 + 1 windows, at 71.4 ms.
    let decisions = of_type(&all, "decision");
    assert_eq!(decisions.len(), 68);
    assert_eq!(of_type(&all, "level").len(), 68);
    for (k, d) in decisions.iter().enumerate() {
        assert_eq!(d["seq"], k);
        let t = (72 * 315 + 512 + k * 1575) as f64 / 22_050.0;
        assert!((d["t"].as_f64().unwrap() - t).abs() < 1e-5);
        assert!((d["lookahead"].as_f64().unwrap() - (7.0 * 315.0 + 512.0) / 22_050.0).abs() < 1e-5);
        assert!(d["latency"].as_f64().unwrap() > 0.0);
    }
    for message in &all {
        assert_eq!(message["v"], 1);
        // Reading it back into the types that the schema is made of checks every field.
        serde_json::from_value::<vocald_client::Message>(message.clone()).unwrap();
    }

    let events: Vec<_> = all
        .iter()
        .filter(|m| m["type"] == "onset" || m["type"] == "offset")
        .collect();
    assert!(events.len() >= 4, "the sound moves the model: {events:?}");
    for (pair, id) in events.chunks(2).zip(1..) {
        assert_eq!(
            (&pair[0]["type"], &pair[1]["type"]),
            (&"onset".into(), &"offset".into())
        );
        assert!(pair[0]["id"] == id && pair[1]["id"] == id);
        let t = |m: &Value| m["t"].as_f64().unwrap();
        let lasts = t(pair[1]) - t(pair[0]);
        assert!((pair[1]["duration"].as_f64().unwrap() - lasts).abs() < 1e-5 && lasts >= 0.0);
    }
}

/// The first `seconds` of the demo clip as a WAV.
fn cut_demo(path: &Path, seconds: f64) {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.ogg");
    let mut decoder = Decoder::open(demo.as_ref()).unwrap();
    let AudioFormat { rate_hz, channels } = decoder.format();
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate_hz,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    while f64::from(writer.duration()) < seconds * f64::from(rate_hz) {
        for &x in decoder.next_block().unwrap().unwrap() {
            writer.write_sample(x).unwrap();
        }
    }
    writer.finalize().unwrap();
}

#[test]
fn run_and_detect_decide_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // Enough of the demo for many decisions, without the minutes of all of it twice.
    let demo = folder.path().join("demo.wav");
    cut_demo(&demo, 12.0);
    let demo = demo.to_str().unwrap();
    // Thresholds that this sound and model cross often.
    let point = "--enter 0.518 --leave 0.516";
    let live = messages(&run(with_model(&format!("run --pace max {point}")).arg(demo)).out);
    let output = run(
        with_model(&format!("detect -q --live {point} --format json --out"))
            .arg(folder.path())
            .arg(demo),
    );
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    let text = std::fs::read_to_string(folder.path().join("demo.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let labelled: Vec<_> = file["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            (
                d["t"].as_f64().unwrap(),
                d["p"].as_f64().unwrap(),
                d["voice"].as_bool().unwrap(),
            )
        })
        .collect();
    assert!(labelled.len() > 150);
    assert_same(&decisions(&live, demo), &labelled);
    let events: Vec<_> = live
        .iter()
        .filter(|m| m["type"] == "onset" || m["type"] == "offset")
        .collect();
    let labelled = file["events"].as_array().unwrap();
    assert!(events.len() > 4, "{events:?}");
    assert_eq!(events.len(), labelled.len());
    for (a, b) in events.iter().zip(labelled) {
        assert!(a["type"] == b["type"] && a["id"] == b["id"]);
        assert!((a["t"].as_f64().unwrap() - b["t"].as_f64().unwrap()).abs() < 1e-4);
    }
}

#[test]
fn raw_samples_on_standard_input_are_the_same_as_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 2, 4.0);
    let from_file = messages(&run(with_model("run --pace max").arg(&song)).out);
    let mut child = with_model("run - --format f32le --rate 44100 --channels 2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for x in sound(44_100, 2, 4.0) {
            stdin.write_all(&x.to_le_bytes()).unwrap();
        }
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let from_pipe = messages(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(states(&from_pipe, "-"), ["running", "ended"]);
    assert_same(
        &decisions(&from_pipe, "-"),
        &decisions(&from_file, song.to_str().unwrap()),
    );
}

#[test]
fn each_channel_is_a_stream_and_several_sources_run_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let (song, other) = (
        folder.path().join("song.wav"),
        folder.path().join("other.wav"),
    );
    wav(&song, 3, 4.0);
    wav(&other, 1, 2.0);
    let config = folder.path().join("vocald.toml");
    std::fs::write(
        &config,
        format!(
            "[[source]]\nname = \"mixer\"\ninput = {song:?}\neach_channel = true\npace = \"max\"\n\
             [[source]]\nname = \"pair\"\ninput = {song:?}\nuse_channels = \"2,1\"\neach_channel = true\n\
             pace = \"max\"\n\
             [[source]]\nname = \"other\"\ninput = {other:?}\npace = \"max\"\n"
        ),
    )
    .unwrap();
    let output = run(with_model("run --config").arg(&config));
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    let all = messages(&output.out);
    for stream in ["mixer/1", "mixer/2", "mixer/3", "pair/1", "pair/2", "other"] {
        assert_eq!(states(&all, stream), ["running", "ended"], "{stream}");
    }
    let one = decisions(&all, "mixer/1");
    let two = decisions(&all, "mixer/2");
    assert_same(&one, &decisions(&all, "pair/1"));
    assert_same(&two, &decisions(&all, "pair/2"));
    assert!(
        one.iter().zip(&two).any(|(a, b)| (a.1 - b.1).abs() > 1e-4),
        "other sound, other p"
    );
    // The short one ends, the others go on.
    assert_eq!((decisions(&all, "other").len(), one.len()), (12, 40));
}

#[test]
fn a_duration_ends_the_run_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 6.0);
    let short = messages(&run(with_model("run --pace max --duration 3").arg(&song)).out);
    let stream = song.to_str().unwrap();
    assert_eq!(states(&short, stream), ["running", "ended"]);
    let decided = decisions(&short, stream);
    assert_eq!(decided.len(), (3 * 22_050 - 25_909) / 1575 + 1);
    // The last window reaches a little beyond the cut in the one and not in the other.
    let long = decisions(
        &messages(&run(with_model("run --pace max").arg(&song)).out),
        stream,
    );
    assert_same(&decided[..decided.len() - 1], &long[..decided.len() - 1]);
}

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 20.0);
    for pace in ["realtime", "max"] {
        let mut child = with_model("run --pace")
            .arg(pace)
            .arg(&song)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut String::new()).unwrap();
        drop(lines);
        let mut err = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{err}");
        assert_eq!(err, "");
    }
}

/// Waits until no more goes into a pipe: it holds 64 KiB, written in lines.
fn until_full(pipe: &ChildStdout) {
    const ALMOST: u64 = 32 * 1024;
    let start = Instant::now();
    let (mut before, mut unchanged) = (0, 0);
    while unchanged < 4 {
        assert!(start.elapsed() < PATIENCE, "{before} bytes");
        std::thread::sleep(Duration::from_millis(50));
        let waiting = rustix::io::ioctl_fionread(pipe).unwrap();
        unchanged = match waiting > ALMOST && waiting == before {
            true => unchanged + 1,
            false => 0,
        };
        before = waiting;
    }
}

#[test]
fn a_slow_reader_gets_every_line_of_a_file_at_full_pace() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    // Some 170 kB of messages: more than a pipe and the queues hold together.
    wav(&song, 1, 30.0);
    let config = folder.path().join("vocald.toml");
    std::fs::write(&config, "[publish]\nqueue_messages = 8\n").unwrap();
    let mut child = with_model("run --pace max --levels --config")
        .arg(&config)
        .arg(&song)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    until_full(&stdout);
    let mut out = String::new();
    BufReader::new(stdout).read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let all = messages(&out);
    let seqs: Vec<_> = of_type(&all, "decision")
        .iter()
        .map(|m| m["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(seqs.len(), (30 * 22_050 - 25_909) / 1575 + 1);
    assert_eq!(of_type(&all, "level").len(), seqs.len());
    assert!(of_type(&all, "lagged").is_empty() && of_type(&all, "gap").is_empty());
}

/// A file whose voice stays open, so that the end has something to close.
#[test]
fn only_the_requested_messages_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 3.0);
    let line = "run --pace max --enter 0.002 --leave 0.001";
    let all = messages(&run(with_model(line).arg(&song)).out);
    for (only, types) in [
        ("onset,offset", ["hello", "onset", "offset"].as_slice()),
        ("state", &["hello", "state"]),
        ("decision", &["hello", "decision"]),
    ] {
        let some = messages(&run(with_model(line).arg(&song).args(["--only", only])).out);
        let kinds = |all: &[Value]| -> Vec<String> {
            let kind = |m: &Value| m["type"].as_str().unwrap().to_owned();
            all.iter().map(kind).collect()
        };
        let mut expected = kinds(&all);
        expected.retain(|kind| types.contains(&kind.as_str()));
        assert!(expected.len() >= types.len(), "{only}: {expected:?}");
        assert_eq!(kinds(&some), expected, "{only}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_run_in_order_with_the_open_voice_closed() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 20.0);
    std::thread::scope(|scope| {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGQUIT] {
            let song = &song;
            scope.spawn(move || signal_ends_it(song, signal));
        }
    });
}

fn signal_ends_it(song: &Path, signal: i32) {
    let mut child = with_model("run --enter 0.002 --leave 0.001")
        .arg(song)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut all = Vec::new();
    while all.last().is_none_or(|m: &Value| m["type"] != "onset") {
        all.push(serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap());
    }
    send_signal(&child, signal);
    all.extend(lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let tail: Vec<_> = all[all.len() - 2..]
        .iter()
        .map(|m| m["type"].as_str().unwrap())
        .collect();
    assert_eq!(tail, ["offset", "state"]);
    assert_eq!(all.last().unwrap()["state"], "ended");
    assert_eq!(all.last().unwrap()["reason"], "stopped on request");
}

#[cfg(unix)]
#[test]
fn signals_that_would_kill_are_ignored_and_logged() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 20.0);
    let mut child = with_model("run")
        .arg(&song)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    for (signal, logged) in [
        (libc::SIGHUP, "read again; changed: nothing"),
        (libc::SIGUSR1, "SIGUSR1 is ignored"),
        (libc::SIGUSR2, "SIGUSR2 is ignored"),
        (libc::SIGALRM, "SIGALRM is ignored"),
    ] {
        send_signal(&child, signal);
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        assert!(line.contains(logged), "{line}");
    }
    send_signal(&child, libc::SIGTERM);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(messages(&rest).last().unwrap()["state"], "ended");
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_fails_ends_the_run_only_if_there_is_no_other_output() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 4.0);
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let alone = with_model("run")
        .arg(&song)
        .stdout(full())
        .output()
        .unwrap();
    let err = String::from_utf8(alone.stderr).unwrap();
    assert_eq!(alone.status.code(), Some(1), "{err}");
    assert!(
        err.contains("stdout cannot be written: No space left"),
        "{err}"
    );
    let mut command = with_model("run --tcp 127.0.0.1:0");
    let with_tcp = command.arg(&song).stdout(full()).output().unwrap();
    let err = String::from_utf8(with_tcp.stderr).unwrap();
    assert_eq!(with_tcp.status.code(), Some(0), "{err}");
    assert!(err.contains("the other outputs go on"), "{err}");
}

/// A log on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn standard_error_that_fails_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 4.0);
    let full = std::fs::File::options().write(true).open("/dev/full");
    let output = with_model("run --tcp 127.0.0.1:0 --osc 127.0.0.1:9 -vv")
        .arg(&song)
        .stderr(full.unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    let all = messages(&out);
    assert_eq!(of_type(&all, "state").last().unwrap()["state"], "ended");
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 30.0);
    let config = folder.path().join("vocald.toml");
    std::fs::write(&config, "[publish]\nqueue_messages = 1\n").unwrap();
    // Nobody reads, and nothing may be lost: the run cannot end in order.
    let mut child = with_model("run --pace max --levels --config")
        .arg(&config)
        .arg(&song)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    until_full(&stdout);
    send_signal(&child, libc::SIGINT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it waits for its reader"
    );
    send_signal(&child, libc::SIGINT);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
