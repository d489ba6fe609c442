//! MIDI: the bytes, and a port where the system has them.

use vocald::config::{MidiConfig, MidiStreamConfig};
use vocald::publish::midi::Midi;
use vocald::publish::midi_messages::MidiMessages;
use vocald_client::Message;
use vocald_client::message::{Decision, EventReason, Offset, Onset, Version};

fn decision(stream: &str, t: f64, p: f32, voice: bool) -> Message {
    Message::Decision(Decision {
        v: Version,
        stream: stream.into(),
        seq: 0,
        t,
        wall: 0.0,
        p,
        voice,
        lookahead: 0.58,
        latency: 0.0,
        speech_p: None,
        speech: None,
        late: false,
        test: false,
    })
}

fn onset(stream: &str) -> Message {
    Message::Onset(Onset {
        v: Version,
        stream: stream.into(),
        id: 1,
        t: 1.0,
        wall: 0.0,
        p: 0.9,
        reason: EventReason::Decision,
        test: false,
    })
}

fn offset(stream: &str) -> Message {
    Message::Offset(Offset {
        v: Version,
        stream: stream.into(),
        id: 1,
        t: 2.0,
        wall: 0.0,
        p: 0.1,
        duration: 1.0,
        reason: EventReason::Decision,
        test: false,
    })
}

#[test]
fn a_note_is_on_while_the_voice_is_there_and_each_stream_has_its_own() {
    let mut midi = MidiMessages::new(&MidiConfig {
        controller_rate_hz: 0.0,
        streams: vec![MidiStreamConfig {
            stream: "own".into(),
            channel: 16,
            note: 36,
            controller: 7,
        }],
        ..MidiConfig::default()
    });
    assert_eq!(midi.of(&onset("a")), [[0x90, 60, 100]]);
    assert_eq!(midi.of(&onset("own")), [[0x9f, 36, 100]]);
    assert_eq!(midi.of(&onset("b")), [[0x90, 61, 100]]);
    assert!(midi.of(&onset("a")).is_empty(), "it is on");
    assert_eq!(midi.of(&offset("a")), [[0x80, 60, 0]]);
    // An event that was lost shows in the next decision.
    assert_eq!(midi.of(&decision("a", 0.0, 0.9, true)), [[0x90, 60, 100]]);
    assert_eq!(
        midi.all_off(),
        [[0x80, 60, 0], [0x80, 61, 0], [0x8f, 36, 0]]
    );
    assert!(midi.all_off().is_empty());
}

#[test]
fn the_controller_follows_the_probability_at_its_rate() {
    let mut midi = MidiMessages::new(&MidiConfig {
        channel: 2,
        controller_rate_hz: 7.0,
        ..MidiConfig::default()
    });
    let sent: Vec<_> = [0.0, 1.0, 0.5, 0.2, 0.5, 0.4, 0.1]
        .into_iter()
        .enumerate()
        .flat_map(|(k, p)| midi.of(&decision("a", k as f64 / 14.0, p, false)))
        .collect();
    // The highest of each pair; what has not changed is not sent again.
    assert_eq!(
        sent,
        [
            [0xb1, 20, 0],
            [0xb1, 20, 127],
            [0xb1, 20, 64],
            [0xb1, 20, 51]
        ]
    );
}

#[test]
fn a_virtual_port_opens_and_one_that_is_not_there_is_waited_for() {
    let at = |port: &str| MidiConfig {
        port: port.into(),
        ..MidiConfig::default()
    };
    assert!(!Midi::start(&at("no such port")).is_open());
    if !Midi::start(&at("virtual")).is_open() {
        println!("skipped: no ALSA sequencer (/dev/snd/seq) here");
    }
}
