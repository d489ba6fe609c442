//! A sound card that falls silent, vanishes and comes back is a matter of states.

use std::time::{Duration, Instant};

use vocald::audio::{SourceEvent, SourceOptions, SourceSpec, StopFlag, spawn};
use vocald_client::message::StreamState;

use crate::support::capture_rig::{
    CARD, CHANNELS, PERIOD_FRAMES, Rig, next_event, pattern, read_frames, started,
};

#[test]
fn a_vanished_card_is_found_again() {
    let Some(mut rig) = Rig::new() else { return };
    let spec: SourceSpec = format!("device:{CARD}").parse().unwrap();
    let options = SourceOptions {
        device_period_frames: Some(PERIOD_FRAMES as u32),
        reopen_after: Duration::from_millis(900),
        ..Default::default()
    };
    let stop = StopFlag::new();
    let source = spawn(spec.open(&options).unwrap(), stop.clone()).unwrap();
    let mut reader = started(next_event(&source));
    let first = pattern(8, 1);
    rig.play(&first);
    assert!(read_frames(&mut reader, first.len() / CHANNELS) == first);

    // Silent for a while, then sound again: the same stream goes on.
    std::thread::sleep(options.reopen_after / 4);
    let second = pattern(8, 2);
    rig.play(&second);
    assert!(read_frames(&mut reader, second.len() / CHANNELS) == second);

    // Silent for long, and then not there at all.
    rig.pull_out();
    std::thread::sleep(options.reopen_after);
    // The driver waits in a read and closes after it.
    rig.play(&pattern(1, 3));
    let reasons: Vec<String> = (0..2)
        .map(|_| match next_event(&source) {
            SourceEvent::State(change) if change.state == StreamState::Reconnecting => {
                change.reason.unwrap()
            }
            _ => panic!("reconnecting is what it should be"),
        })
        .collect();
    assert!(
        reasons[0].starts_with("no sound from the device for"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].starts_with("there is no device \"vocald_fifo\""),
        "{reasons:?}"
    );
    let patience = Instant::now() + Duration::from_secs(20);
    let mut played = Instant::now();
    while !reader.is_closed() {
        assert!(Instant::now() < patience, "the old ring stays open");
        reader.read_timeout(&mut Vec::new(), Duration::from_millis(10));
        // The driver closes after a read, and may have begun another one before it was given up.
        if played.elapsed() > Duration::from_secs(2) {
            rig.play(&pattern(1, 3));
            played = Instant::now();
        }
    }

    // Back again: a new ring, and sound in it.
    rig.plug_in();
    let mut reader = loop {
        match next_event(&source) {
            SourceEvent::State(change) if change.state == StreamState::Reconnecting => {}
            event => break started(event),
        }
    };
    let third = pattern(8, 4);
    rig.play(&third);
    assert!(read_frames(&mut reader, third.len() / CHANNELS) == third);
    assert_eq!(source.health.snapshot().reconnects, 1);

    stop.stop();
    rig.play(&pattern(1, 5));
    assert!(
        matches!(next_event(&source), SourceEvent::State(change) if change.state == StreamState::Ended)
    );
    source.join();
}
