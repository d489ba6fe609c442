//! What cannot be listened to: one sentence each, and exit code 2 for wrong usage, 1 otherwise.

use std::iter;
use std::path::Path;

use clap::Parser as _;
use vocald::cli::{Cli, exit_code};

use crate::support::program::{model, run, vocald, wav, with_model};

/// Runs `vocald` in `folder` and expects nothing but one sentence that has `words` in it.
#[track_caller]
fn refused(folder: &Path, line: &str, code: i32, words: &str) {
    let output = run(vocald(line).current_dir(folder));
    assert_eq!(output.code, Some(code), "{line}: {}", output.err);
    assert_eq!(output.out, "", "{line}");
    let lines: Vec<&str> = output
        .err
        .lines()
        .filter(|line| !line.starts_with("ALSA lib"))
        .collect();
    assert_eq!(lines.len(), 1, "{line}: {}", output.err);
    assert!(
        lines[0].starts_with("vocald: ") && lines[0].contains(words),
        "{line}: {}",
        lines[0]
    );
}

/// The command line as `main` reads it.
fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(iter::once("vocald").chain(line.split_whitespace()))
}

/// Expects one sentence that has `words` in it, and the exit code of wrong usage: what `run` begins
/// with, called here since the program takes a third of a second to start.
#[track_caller]
fn refused_configuration(line: &str, words: &str) {
    let error = parse(line).unwrap().check().expect_err(line);
    assert_one_sentence(line, &error, 2, words);
}

/// The same of `detect` on a file in `folder`.
#[track_caller]
fn detect_refuses(folder: &Path, line: &str, code: u8, words: &str) {
    let line = format!("detect {}/{line}", folder.display());
    let error = parse(&line).unwrap().run().expect_err(&line);
    assert_one_sentence(&line, &error, code, words);
}

#[track_caller]
fn assert_one_sentence(line: &str, error: &anyhow::Error, code: u8, words: &str) {
    let text = format!("{error:#}");
    assert_eq!(exit_code(error), code, "{line}: {text}");
    assert_eq!(text.lines().count(), 1, "{line}: {text}");
    assert!(text.contains(words), "{line}: {text}");
}

#[test]
fn what_is_no_sound_is_refused_by_run_and_by_detect() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let model = model().display();
    std::fs::write(at.join("empty.wav"), "").unwrap();
    std::fs::write(at.join("text.wav"), "dear diary\n").unwrap();
    std::fs::create_dir(at.join("folder.wav")).unwrap();
    wav(&at.join("song.wav"), 1, 0.5);
    let mut channelless = std::fs::read(at.join("song.wav")).unwrap();
    // The count of channels in the format chunk, after the RIFF header.
    channelless[22] = 0;
    std::fs::write(at.join("channelless.wav"), channelless).unwrap();
    for (file, words) in [
        ("missing.wav", "missing.wav: there is no such file"),
        ("empty.wav", "empty.wav is empty"),
        ("text.wav", "text.wav is not a sound file"),
        ("channelless.wav", "channelless.wav"),
    ] {
        refused(at, &format!("run {file} --model {model}"), 1, words);
        detect_refuses(at, &format!("{file} --model {model}"), 1, words);
    }
    refused(
        at,
        "detect missing.wav",
        1,
        "missing.wav: there is no such file",
    );
    refused(at, "run folder.wav", 1, "folder.wav is a directory");
    detect_refuses(at, "folder.wav", 1, "no sound file in this folder");
    refused(
        at,
        "run device:zither-of-nobody --no-wait",
        1,
        "no device \"zither-of-nobody\"",
    );
    let raw = "--format s16le --rate 8000 --channels 1";
    refused(
        at,
        &format!("run fifo:missing {raw}"),
        1,
        "there is no such FIFO",
    );
    refused(at, &format!("run fifo:song.wav {raw}"), 1, "is not a FIFO");
}

#[test]
fn a_channel_that_the_source_does_not_have_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    wav(&folder.path().join("song.wav"), 2, 0.5);
    let output = run(with_model("run song.wav --use-channels 3").current_dir(folder.path()));
    assert_eq!(output.code, Some(1));
    assert_eq!(
        output.err,
        "vocald: source song.wav: channel 3 is chosen, but the source has 2: choose from 1 to 2\n"
    );
    assert!(output.out.contains("\"failed\""), "{}", output.out);
}

#[test]
fn models_that_cannot_be_used_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("song.wav"), 1, 0.5);
    std::fs::write(at.join("text.safetensors"), "dear diary\n").unwrap();
    std::fs::copy(model(), at.join("model.safetensors")).unwrap();
    refused(
        at,
        "run song.wav --model missing.safetensors",
        1,
        "missing.safetensors",
    );
    refused(
        at,
        "run song.wav --model text.safetensors",
        1,
        "text.safetensors",
    );
    refused(
        at,
        "run song.wav --model model.safetensors --device cuda:99",
        1,
        "cuda:99",
    );
    for (option, words) in [
        (
            "--horizon 11",
            "does not offer a horizon of 11 frames, but 39 frames (0.58 s), 7",
        ),
        ("--lookahead 0.05", "does not offer a look-ahead of 0.05 s"),
        (
            "--enter 0.3",
            "the threshold to leave voice is above the one to enter it",
        ),
        ("--confirm 3/2", "confirmation needs N of M"),
    ] {
        refused(
            at,
            &format!("run song.wav --model model.safetensors {option}"),
            2,
            words,
        );
        let model = model().display();
        detect_refuses(at, &format!("song.wav --model {model} {option}"), 2, words);
    }
}

#[test]
fn wrong_usage_and_wrong_configuration_are_told_apart_from_failure() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    wav(&at.join("song.wav"), 1, 0.5);
    refused(
        at,
        "run -",
        2,
        "raw samples: say which with --format, --rate and --channels",
    );
    refused(
        at,
        "run song.wav --device abacus",
        2,
        "`abacus` is no device",
    );
    refused(at, "run song.wav --min-gap -1", 2, "minimum durations");
    for (line, words) in [
        (
            "run song.wav --use-channels 0",
            "is not a choice of channels",
        ),
        ("run song.wav --enter 1.5", "decision.enter: 1.5"),
        ("run song.wav --duration 0", "--duration 0"),
        ("run song.wav song.wav", "two sources are called `song.wav`"),
        ("run song.wav --only level", "set `levels` (--levels)"),
        ("run --pace max", "--pace applies to files"),
        ("run --config missing.toml", "missing.toml"),
    ] {
        refused_configuration(line, words);
    }
    for (option, words) in [
        (
            "--format s16le",
            "--format applies to standard input and FIFOs",
        ),
        (
            "--rate 8000",
            "--rate applies to devices, standard input and FIFOs",
        ),
        ("--channels 1", "--channels applies to"),
        ("--period 64", "--period applies to devices"),
    ] {
        refused_configuration(&format!("run song.wav {option}"), words);
    }
    std::fs::write(at.join("typo.toml"), "[decision]\nmin_gab_s = 1\n").unwrap();
    refused(
        at,
        "run --config typo.toml",
        2,
        "typo.toml: there is no key `decision.min_gab_s`; did you mean `decision.min_gap_s`?",
    );
    let output = run(vocald("run --pace slow").current_dir(at));
    assert_eq!((output.code, output.out.as_str()), (Some(2), ""));
    assert!(output.err.contains("--help"), "{}", output.err);
    for line in [
        "",
        "sing",
        "run song.wav --only onsets",
        "run song.wav --horizon 7 --lookahead 1",
        "run - --format s24 --rate 1 --channels 1",
        "run - --format s16le --rate 16000 --channels 0",
        "detect",
        "detect song.wav --format mp3",
        "detect song.wav --jobs 0",
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!((error.exit_code(), error.use_stderr()), (2, true), "{line}");
        assert!(error.to_string().contains("--help"), "{line}: {error}");
    }
}

/// A reader that has gone is no failure, a full disk is one, and neither is a panic.
#[test]
fn what_is_printed_for_a_reader_that_has_gone_and_onto_a_full_disk() {
    for line in [
        "model list",
        "model info --json",
        "devices",
        "bench --passes 1",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = run(vocald(line).stdout(writer));
        assert_eq!(output.code, Some(0), "{line}: {}", output.err);
        let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
            println!("there is no /dev/full to write to: skipped");
            return;
        };
        let output = run(vocald(line).stdout(full));
        assert_eq!(output.code, Some(1), "{line}: {}", output.err);
        assert!(
            output.err.contains("vocald: stdout cannot be written"),
            "{line}: {}",
            output.err
        );
        assert!(!output.err.contains("panicked"), "{line}: {}", output.err);
    }
}

#[test]
fn numbers_beyond_what_makes_sense_are_refused_when_the_command_line_is_read() {
    for line in [
        "train paper-mir1k --threads 0",
        "train paper-mir1k --threads 99999999",
        "train paper-mir1k --loader-threads 0",
        "train paper-mir1k --max-epochs 0",
        "reproduce --threads 0",
        "reproduce --loader-threads 100000",
        "reproduce --max-epochs 0",
        "detect song.wav --threads 4294967296",
        "detect song.wav --jobs 0",
        "detect song.wav --every 9",
        "evaluate songs --threads 1025",
        "evaluate songs --every 0",
        "bench --streams --passes 3",
        "bench --training --model live-14",
        "bench --training --data songs",
        "bench --drawing paper-mir1k --precision float32",
        "bench --drawing paper-mir1k --device cpu",
        "bench --data songs",
        "bench --features cache",
        "bench --streams --data songs",
        "bench --plot stages.svg --features cache",
        "bench --device cpu --model live-14 --data songs",
        "bench --threads 2",
        "bench --streams --threads 2",
        "bench --drawing paper-mir1k --batch-windows 8",
        "bench --drawing paper-mir1k --streams",
        "bench --drawing paper-mir1k --model live-14",
    ] {
        let error = parse(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}: {error}");
    }
    for line in [
        "detect song.wav --every 8 --threads 1024 --jobs 1",
        "train paper-mir1k --max-epochs 1",
        "bench --drawing paper-mir1k --data songs --features cache --passes 3 --json",
        "bench --training --device cpu --threads 2",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn a_damaged_checkpoint_is_found_before_the_measurement() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("README.md"), "# A page\n").unwrap();
    for options in ["", "--streams", "--streams --json"] {
        let line = format!("bench {options} --model README.md --device cpu");
        refused(folder.path(), &line, 1, "the checkpoint README.md is");
    }
}

#[test]
fn places_that_cannot_be_written_are_found_before_the_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("file"), "").unwrap();
    for (place, problem) in [
        ("missing/stages.svg", "no file can be made there"),
        ("file/stages.svg", "no file can be made there"),
        (".", "this is not a file"),
        ("stages/", "this is not a file"),
        ("/dev/null", "this is not a file"),
        ("", "a value is required"),
    ] {
        for mode in ["bench", "bench --streams"] {
            let output = run(vocald(mode).args(["--plot", place]).current_dir(at));
            assert_eq!((output.code, output.out.as_str()), (Some(2), ""), "{place}");
            assert!(output.err.contains(problem), "{place}: {}", output.err);
        }
    }
    assert_eq!(std::fs::read_dir(at).unwrap().count(), 1);
    refused(
        at,
        "bench --training --architecture bilstm",
        2,
        "choose se_resnet or scnn",
    );
    for option in ["--report", "--scores"] {
        let line = format!("evaluate paper-mir1k --data . {option} file/below");
        refused(at, &line, 1, "file/below cannot be made");
    }
}
