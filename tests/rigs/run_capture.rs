//! `vocald run` on a sound card: the decisions are those of the same sound through a pipe.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::capture_rig::{CARD, CHANNELS, PERIOD_FRAMES, Rig};
use crate::support::program::{messages, of_type, send_signal, sound, states, with_model};

const RATE_HZ: u32 = 48_000;
const SECONDS: f64 = 2.0;

#[test]
fn a_sound_card_is_decided_on_as_a_pipe_is() {
    let Some(mut rig) = Rig::new() else { return };
    // Whole periods, so that the card gets all of it.
    let mut samples = sound(RATE_HZ, CHANNELS as u16, SECONDS);
    samples.truncate(samples.len() / (PERIOD_FRAMES * CHANNELS) * PERIOD_FRAMES * CHANNELS);

    let mut piped = with_model("run - --format f32le --rate 48000 --channels 2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    piped.stdin.take().unwrap().write_all(&bytes).unwrap();
    let piped = piped.wait_with_output().unwrap();
    let piped = messages(std::str::from_utf8(&piped.stdout).unwrap());
    let expected = of_type(&piped, "decision");

    let line = format!(
        "run device:{CARD} --rate {RATE_HZ} --channels {CHANNELS} --period {PERIOD_FRAMES}"
    );
    // On a busy machine, windows are decided on late, and not skipped.
    let mut child = with_model(&line)
        .env("VOCALD_MODEL_LATENCY_BUDGET_S", "10")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut all: Vec<Value> = Vec::new();
    let mut next = |all: &mut Vec<Value>| match lines.next() {
        Some(line) => all.push(serde_json::from_str(&line.unwrap()).unwrap()),
        None => panic!("it ended early: {all:?}"),
    };
    let player = std::thread::spawn(move || {
        let start = Instant::now();
        for (count, period) in (1..).zip(samples.chunks(PERIOD_FRAMES * CHANNELS)) {
            rig.play(period);
            let due = Duration::from_secs_f64(
                f64::from(count * PERIOD_FRAMES as u32) / f64::from(RATE_HZ),
            );
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
        rig
    });
    // The resampler keeps back the last millisecond or two until more comes or the end.
    while of_type(&all, "decision").len() < expected.len() - 1 {
        next(&mut all);
    }
    let mut rig = player.join().unwrap();
    assert!(
        of_type(&all, "gap").is_empty(),
        "{:?}",
        of_type(&all, "gap")
    );
    for (card, pipe) in of_type(&all, "decision").iter().zip(&expected) {
        assert_eq!(card["seq"], pipe["seq"]);
        let p = |m: &Value| m["p"].as_f64().unwrap();
        assert!((p(card) - p(pipe)).abs() < 1e-5, "{card} {pipe}");
    }
    // Within a minute of each other: both are the Unix time of the capture.
    let wall = |m: &Value| m["wall"].as_f64().unwrap();
    let apart = wall(of_type(&all, "decision")[0]) - wall(expected[0]);
    assert!(apart > 0.0 && apart < 60.0, "{apart}");

    send_signal(&child, libc::SIGINT);
    // The driver waits in a read; more sound lets it go.
    rig.play(&vec![0.0; 8 * PERIOD_FRAMES * CHANNELS]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for line in lines {
        all.push(serde_json::from_str(&line.unwrap()).unwrap());
    }
    let stream = format!("device:{CARD}");
    let seen = states(&all, &stream);
    assert_eq!(
        (
            seen.first().unwrap().as_str(),
            seen.last().unwrap().as_str()
        ),
        ("running", "ended")
    );
}
