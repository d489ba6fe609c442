//! `vocald config`: checks and prints a configuration before it runs.

use crate::support::program::{run, vocald};

#[test]
fn a_configuration_in_order_says_so_and_a_faulty_one_exits_with_2() {
    let output = run(&mut vocald("config check config/vocald.toml"));
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert_eq!(
        output.out,
        "config/vocald.toml is in order and listens to device:default\n"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.toml");
    std::fs::write(&file, "[decision]\nenterr = 0.5\n").unwrap();
    let output = run(vocald("config check").arg(&file));
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("did you mean `decision.enter`?"),
        "{}",
        output.err
    );
    // The checkpoint is looked into: this horizon is none of its own.
    std::fs::write(&file, "[decision]\nhorizon_frames = 11\n").unwrap();
    let output = run(vocald("config check").arg(&file));
    assert_eq!(output.code, Some(2), "{}", output.err);
    std::fs::write(&file, "[model]\nfile = \"/nowhere/a.safetensors\"\n").unwrap();
    let output = run(vocald("config check").arg(&file));
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("/nowhere/a.safetensors"),
        "{}",
        output.err
    );
}

#[test]
fn the_command_line_goes_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.toml");
    let text = "[decision]\nenter = 0.6\nleave = 0.1\nmin_gap_s = 0.3\n\
                [publish.http]\ntoken = \"secret-of-the-desk\"\n";
    std::fs::write(&file, text).unwrap();
    let mut command = vocald("config show --changes --enter 0.9 song.ogg");
    command.env("VOCALD_CONFIG", &file);
    command.env("VOCALD_DECISION_ENTER", "0.7");
    command.env("VOCALD_DECISION_LEAVE", "0.2");
    let output = run(&mut command);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert_eq!(
        output.out,
        "decision.enter = 0.9  # default: \"checkpoint\"\n\
         decision.leave = 0.2  # default: \"checkpoint\"\n\
         decision.min_gap_s = 0.3  # default: \"checkpoint\"\n\
         publish.http.token = \"(set, not shown)\"  # default: \"\"\n\
         source.1.input = \"song.ogg\"  # default: \"device:default\"\n"
    );
}

#[test]
fn what_is_shown_is_a_configuration_again() {
    let output = run(&mut vocald(
        "config show --levels --osc 127.0.0.1:9000 - --format s16le --rate 8000 --channels 1",
    ));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let config = vocald::config::Config::parse(&output.out).unwrap();
    assert!(config.publish.levels);
    assert_eq!(config.publish.osc.targets, ["127.0.0.1:9000"]);
    assert_eq!(config.source[0].rate_hz, 8000);
}

#[test]
fn float16_is_refused_where_the_processor_lacks_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("float16.toml");
    std::fs::write(&file, "[model]\nprecision = \"float16\"\n").unwrap();
    let output = run(vocald("config check").arg(&file));
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if flags.contains("avx512_fp16") {
        println!("skipped: this processor has AVX512-FP16, so nothing is refused");
        assert_eq!(output.code, Some(0), "{}", output.err);
        return;
    }
    assert_eq!(output.code, Some(2));
    let sentence = "float16 needs a processor with AVX512-FP16";
    assert!(output.err.contains(sentence), "{}", output.err);
}
