//! Commands at onsets and offsets: what they receive, and what becomes of those that hang.

use std::path::Path;
use std::time::{Duration, Instant};

use vocald::config::CommandConfig;
use vocald::publish::command::Commands;
use vocald::publish::hub::{Delivery, HelloFacts, Hub};
use vocald_client::Message;
use vocald_client::message::{EventReason, Offset, Onset, Version};

fn hub(config: &CommandConfig) -> Hub {
    let hub = Hub::new(HelloFacts {
        model: "test".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: vec![0.58],
        lookahead_s: 0.58,
        hop_s: 1.0 / 14.0,
        speech_thresholds: None,
    });
    let sink = Commands::start(config).unwrap();
    hub.attach(sink, Delivery::DropOldest { capacity: 1024 })
        .unwrap();
    hub
}

fn onset(id: u64) -> Message {
    Message::Onset(Onset {
        v: Version,
        stream: "hall/1".into(),
        id,
        t: 1.5,
        wall: 10.0,
        p: 0.75,
        reason: EventReason::Decision,
        test: false,
    })
}

fn offset(id: u64) -> Message {
    Message::Offset(Offset {
        v: Version,
        stream: "hall/1".into(),
        id,
        t: 4.0,
        wall: 12.5,
        p: 0.25,
        duration: 2.5,
        reason: EventReason::Decision,
        test: false,
    })
}

fn shell(line: &str) -> Vec<String> {
    ["sh", "-c", line].map(String::from).into()
}

/// Waits for a file to hold `lines` lines.
fn lines(path: &Path, lines: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let found: Vec<String> = text.lines().map(str::to_owned).collect();
        if found.len() >= lines && text.ends_with('\n') {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_event_is_in_the_environment_and_on_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let (out, json) = (folder.path().join("out"), folder.path().join("json"));
    let line = format!(
        "echo $VOCALD_TYPE $VOCALD_STREAM $VOCALD_ID $VOCALD_T $VOCALD_P ${{VOCALD_DURATION-none}} \
         >> {}; cat >> {}",
        out.display(),
        json.display()
    );
    let hub = hub(&CommandConfig {
        onset: shell(&line),
        offset: shell(&line),
        ..CommandConfig::default()
    });
    hub.publish(onset(3));
    hub.publish(offset(3));
    hub.finish(Duration::from_secs(20));
    assert_eq!(
        lines(&out, 2),
        ["onset hall/1 3 1.5 0.75 none", "offset hall/1 3 4 0.25 2.5"]
    );
    let received: Vec<Message> = lines(&json, 2)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(received, [onset(3), offset(3)]);
}

#[test]
fn of_events_that_come_too_fast_the_newest_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let hub = hub(&CommandConfig {
        onset: shell(&format!("echo $VOCALD_ID >> {}; sleep 0.5", out.display())),
        queue_events: 1,
        ..CommandConfig::default()
    });
    (0..=20).for_each(|id| hub.publish(onset(id)));
    hub.finish(Duration::from_secs(20));
    let run = lines(&out, 1);
    assert!(run.len() <= 3, "one at a time: {run:?}");
    assert_eq!(run.last().unwrap(), "20");
}

/// Neither running nor on its way out.
fn is_gone(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_that_hangs_is_killed_with_what_it_started_and_the_next_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let (pids, out) = (folder.path().join("pids"), folder.path().join("out"));
    let hub = hub(&CommandConfig {
        onset: shell(&format!("sleep 600 & echo $! >> {}; wait", pids.display())),
        offset: shell(&format!("echo $VOCALD_TYPE >> {}", out.display())),
        time_limit_s: 0.5,
        ..CommandConfig::default()
    });
    hub.publish(onset(1));
    hub.publish(offset(1));
    assert_eq!(lines(&out, 1), ["offset"]);
    let pid = &lines(&pids, 1)[0];
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_gone(pid) {
        assert!(Instant::now() < deadline, "{pid} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
    // At the end, one that hangs is not waited for.
    hub.publish(onset(2));
    let pid = &lines(&pids, 2)[1];
    hub.finish(Duration::from_secs(20));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_gone(pid) {
        assert!(Instant::now() < deadline, "{pid} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_command_that_fails_or_is_not_there_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let hub = hub(&CommandConfig {
        onset: vec!["/no/such/program".into()],
        offset: shell(&format!("echo $VOCALD_ID >> {}; exit 3", out.display())),
        ..CommandConfig::default()
    });
    for id in 1..=2 {
        hub.publish(onset(id));
        hub.publish(offset(id));
    }
    assert_eq!(lines(&out, 2), ["1", "2"]);
    assert!(hub.ends().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_command_leaves_in_a_session_of_its_own_ends_at_its_time_limit_and_with_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let hub = hub(&CommandConfig {
        onset: shell(&format!(
            "setsid sh -c 'echo $$ >> {}; exec sleep 600' &",
            pids.display()
        )),
        offset: shell(&format!(
            "setsid -f sh -c 'echo $$ >> {}; exec sleep 600'; sleep 600",
            pids.display()
        )),
        time_limit_s: 0.5,
        ..CommandConfig::default()
    });
    hub.publish(onset(1));
    hub.publish(offset(1));
    let wait = |pid: &str| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_gone(pid) {
            assert!(Instant::now() < deadline, "{pid} is still there");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    lines(&pids, 2).iter().for_each(|pid| wait(pid));
    hub.publish(onset(2));
    let last = lines(&pids, 3).pop().unwrap();
    hub.finish(Duration::from_secs(20));
    wait(&last);
}

#[test]
fn a_command_that_prints_without_end_does_not_fill_the_log() {
    use crate::support::program::vocald;
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.ogg");
    let mut command = vocald("run --pace realtime --duration 4 --only onset --on-onset");
    let child = command
        .arg("yes flood")
        .arg(demo)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(
        log.contains("the onset command (sh) for") && log.contains(": flood"),
        "{log}"
    );
    assert!(
        log.contains("more lines of its output are not logged"),
        "{log}"
    );
    assert!(log.len() < 20_000, "{} bytes", log.len());
}
