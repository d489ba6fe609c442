//! Channels that cancel each other or carry no sound, in `vocald detect` and `vocald run`.

use std::path::Path;

use serde_json::Value;

use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::program::{Output, messages, of_type, run, sound, with_model};

const SECONDS: f64 = 3.0;

/// A WAV whose channels are the mono test sound, each multiplied by one of `gains`.
fn channels(path: &Path, gains: &[f32]) {
    let spec = hound::WavSpec {
        channels: gains.len() as u16,
        sample_rate: 16_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for x in sound(16_000, 1, SECONDS) {
        for gain in gains {
            writer.write_sample(x * gain).unwrap();
        }
    }
    writer.finalize().unwrap();
}

fn detect(at: &Path, line: &str) -> Output {
    let output = run(with_model(&format!("detect {line}")).current_dir(at));
    assert_eq!(output.code, Some(0), "{line}: {}", output.err);
    output
}

#[test]
fn faults_of_the_channels_are_named_with_the_option_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (gains, words) in [
        (
            &[1.0, -1.0][..],
            "channels 1,2 cancel each other, so that their mean has almost no sound: use one with --use-channels 1 ",
        ),
        (
            &[0.8, -1.0],
            "channels 1,2 cancel each other, so that their mean has almost no sound: use one with --use-channels 2 ",
        ),
        (&[1.0, -1.0, 1.0, -1.0], "channels 1,2,3,4 cancel"),
        (
            &[1.0, 0.0],
            "channel 2 is silent, so that the mean of all is 6 dB too low: leave it out with --use-channels 1 ",
        ),
        (
            &[0.0, 1.0, 0.0, 1.0],
            "channels 1,3 are silent, so that the mean of all is 6 dB too low: leave them out with --use-channels 2,4 ",
        ),
        (
            &[0.001, 1.0],
            "channel 1 has almost no sound, so that the mean of both is 6 dB too low: leave it out with --use-channels 2 ",
        ),
    ] {
        channels(&at.join("song.wav"), gains);
        let output = detect(at, "song.wav --format json");
        assert!(
            output.err.contains(&format!("song.wav: {words}")),
            "{gains:?}: {}",
            output.err
        );
        let json: Value = serde_json::from_str(&output.out).unwrap();
        assert!(
            json["warnings"][0]
                .as_str()
                .unwrap()
                .starts_with(words.trim_end()),
            "{json}"
        );
    }
    for gains in [
        &[1.0][..],
        &[1.0, 1.0],
        &[1.0, 0.5],
        &[1.0, -0.3],
        &[0.0, 0.0],
        &[1.0, 0.8, 0.1],
    ] {
        channels(&at.join("song.wav"), gains);
        let output = detect(at, "song.wav");
        assert!(
            !output.err.contains("--use-channels"),
            "{gains:?}: {}",
            output.err
        );
    }
}

#[test]
fn the_chosen_channels_are_labelled() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    channels(&at.join("opposite.wav"), &[1.0, -1.0]);
    channels(&at.join("plain.wav"), &[1.0]);
    let plain = detect(at, "plain.wav --format csv").out;
    let one = detect(at, "opposite.wav --format csv --use-channels 1");
    assert_eq!(one.out, plain);
    assert!(!one.err.contains("WARN"), "{}", one.err);
    assert_ne!(detect(at, "opposite.wav --format csv").out, plain);
    let output = run(with_model("detect opposite.wav --use-channels 3").current_dir(at));
    assert_eq!(
        (output.code, output.err.as_str()),
        (
            Some(1),
            "vocald: opposite.wav: channel 3 is chosen, but the source has 2: choose from 1 to 2\n"
        )
    );
}

#[test]
fn run_reports_faults_of_the_channels_as_long_as_they_last() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 16_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(&song, spec).unwrap();
    for (n, x) in sound(16_000, 1, 24.0).into_iter().enumerate() {
        // Opposite for the first 12 s.
        let right = if n < 12 * 16_000 { -x } else { x };
        writer.write_sample(x).unwrap();
        writer.write_sample(right).unwrap();
    }
    writer.finalize().unwrap();
    let output = run(with_model("run song.wav --pace max").current_dir(folder.path()));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let messages = messages(&output.out);
    let states = of_type(&messages, "state");
    let words: Vec<&str> = states
        .iter()
        .map(|s| s["state"].as_str().unwrap())
        .collect();
    // The mean of opposite channels is digital silence.
    assert_eq!(
        words,
        ["running", "silent", "running", "running", "ended"],
        "{states:?}"
    );
    let warning = states[2]["reason"].as_str().unwrap();
    assert!(
        warning.starts_with("channels 1,2 cancel each other"),
        "{warning}"
    );
    assert!(
        warning.ends_with("use one with --use-channels 1"),
        "{warning}"
    );
    assert!(states[0]["reason"].is_null() && states[3]["reason"].is_null());
    assert!(
        output
            .err
            .contains("song.wav: channels 1,2 cancel each other"),
        "{}",
        output.err
    );
}

#[test]
fn the_streams_of_an_absent_device_wait() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("absent.toml");
    let source = |name: &str, channels: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\ninput = \"device:there is none of this name\"\n\
             each_channel = true\nuse_channels = \"{channels}\"\n"
        )
    };
    std::fs::write(&config, source("some", "1,2") + &source("all", "all")).unwrap();
    let mut command = with_model("run --config");
    command.arg(&config);
    let daemon = Daemon::start(command);
    let waits = |stream: &Value| stream["state"] == "waiting";
    let start = std::time::Instant::now();
    loop {
        let (_, body) = daemon.get("/api/streams", "");
        let streams: Vec<Value> = serde_json::from_str(&body).unwrap();
        let names: Vec<&str> = streams
            .iter()
            .map(|s| s["stream"].as_str().unwrap())
            .collect();
        // How many channels there are is not known yet: one stream stands for them.
        assert_eq!(names, ["some/1", "some/2", "all"]);
        if streams.iter().all(waits) {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{body}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    daemon.interrupted_ends_well();
}
