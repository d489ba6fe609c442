//! The command line itself: names of models and streams, optional values, completions and man pages.

use std::process::Command;

use crate::support::program::{messages, run, vocald, wav, with_model};

fn in_folder(command: &mut Command) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    command.current_dir(folder.path());
    folder
}

#[test]
fn a_shipped_checkpoint_is_found_by_its_name_from_any_folder() {
    let mut command = vocald("model info karaoke-14");
    let _folder = in_folder(&mut command);
    let output = run(&mut command);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(output.out.starts_with("karaoke-14: "), "{}", output.out);

    let mut command = vocald("config show --changes --model karaoke-14");
    let _folder = in_folder(&mut command);
    let output = run(&mut command);
    assert!(
        output.out.contains("karaoke-14.safetensors\""),
        "{}",
        output.out
    );

    for line in ["model info live-wide", "model info built-in"] {
        assert!(
            run(&mut vocald(line)).out.starts_with("live-wide: "),
            "{line}"
        );
    }
    let output = run(&mut vocald("run --model karaoke-41"));
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("did you mean karaoke-14"),
        "{}",
        output.err
    );
}

#[test]
fn a_checkpoint_is_found_in_the_users_data_folder() {
    let data = tempfile::tempdir().unwrap();
    let models = data.path().join("vocald/models");
    std::fs::create_dir_all(&models).unwrap();
    let own = models.join("ours.safetensors");
    std::fs::copy(crate::support::program::model(), &own).unwrap();
    std::fs::write(models.join("ours.md"), "# ours\n\n> For our choir.\n").unwrap();
    let with_data = |line: &str| {
        let mut command = vocald(line);
        command.env("XDG_DATA_HOME", data.path());
        run(&mut command)
    };
    assert!(with_data("model info ours").out.starts_with("untrained: "));
    let list = with_data("model list").out;
    for part in ["For our choir.", "For karaoke", "(built in)", "live-14"] {
        assert!(list.contains(part), "{part}: {list}");
    }
}

#[test]
fn a_source_may_have_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 2.0);
    std::fs::copy(&song, folder.path().join("a=b.wav")).unwrap();
    let mut command = with_model("run --pace max --only state");
    command
        .current_dir(folder.path())
        .args(["lead=song.wav", "a=b.wav"]);
    let output = run(&mut command);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let streams: std::collections::BTreeSet<String> = messages(&output.out)
        .iter()
        .filter(|message| message["type"] == "state")
        .map(|message| message["stream"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(Vec::from_iter(streams), ["a=b.wav", "lead"]);
}

#[test]
fn the_address_of_http_may_follow_a_space_and_a_source_is_not_taken_for_it() {
    let show = |line: &str| {
        let output = run(&mut vocald(line));
        assert_eq!(output.code, Some(0), "{line}: {}", output.err);
        output.out
    };
    let shown = show("config show --changes --http 127.0.0.1:9000 song.wav");
    assert!(
        shown.contains("127.0.0.1:9000") && shown.contains("song.wav"),
        "{shown}"
    );
    let shown = show("config show --changes --http song.wav --unix /tmp/x.sock");
    assert!(!shown.contains("publish.http.listen"), "{shown}");
    assert!(
        shown.contains("\"song.wav\"") && shown.contains("/tmp/x.sock"),
        "{shown}"
    );
}

#[test]
fn completions_and_man_pages_come_from_the_command_line() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&mut vocald(&format!("completions {shell}")));
        assert_eq!(output.code, Some(0), "{}", output.err);
        assert!(output.out.contains("tls-cert"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = run(vocald("manual").arg(folder.path()));
    assert_eq!(output.code, Some(0), "{}", output.err);
    for (page, text) in [
        ("vocald.1", "singing voice"),
        ("vocald-run.1", "tls\\-cert"),
        ("vocald-config-check.1", "exit code 2"),
    ] {
        let read = std::fs::read_to_string(folder.path().join(page));
        let read = read.unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(read.contains(text), "{page}: {read}");
    }
}
