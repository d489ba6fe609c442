//! OSC: what a receiver of datagrams gets, and what becomes of receivers that are not there.

use std::net::UdpSocket;
use std::time::Duration;

use rosc::{OscPacket, OscType};
use vocald::config::OscConfig;
use vocald::publish::hub::{Delivery, HelloFacts, Hub};
use vocald::publish::osc::Osc;
use vocald_client::Message;
use vocald_client::message::{Decision, EventReason, Offset, Onset, State, StreamState, Version};

fn hub(streams: &[&str]) -> Hub {
    let hub = Hub::new(HelloFacts {
        model: "test".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: vec![0.58],
        lookahead_s: 0.58,
        hop_s: 1.0 / 14.0,
        speech_thresholds: None,
    });
    streams.iter().for_each(|stream| hub.add_stream(stream));
    hub
}

fn receiver() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// The next `count` messages: address and only argument.
fn receive(socket: &UdpSocket, count: usize) -> Vec<(String, OscType)> {
    let mut datagram = [0; 1024];
    (0..count)
        .map(|_| {
            let length = socket.recv(&mut datagram).unwrap();
            let (rest, packet) = rosc::decoder::decode_udp(&datagram[..length]).unwrap();
            assert!(rest.is_empty());
            let OscPacket::Message(mut message) = packet else {
                panic!("a bundle")
            };
            assert_eq!(message.args.len(), 1);
            (message.addr, message.args.remove(0))
        })
        .collect()
}

fn attach(hub: &Hub, config: &OscConfig) {
    let sink = Osc::open(config);
    hub.attach(sink, Delivery::DropOldest { capacity: 1024 })
        .unwrap();
}

fn decision(stream: &str, seq: u64, p: f32, voice: bool) -> Message {
    Message::Decision(Decision {
        v: Version,
        stream: stream.into(),
        seq,
        t: seq as f64 / 14.0,
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

fn onset(stream: &str, t: f64) -> Message {
    Message::Onset(Onset {
        v: Version,
        stream: stream.into(),
        id: 1,
        t,
        wall: 0.0,
        p: 0.9,
        reason: EventReason::Decision,
        test: false,
    })
}

fn offset(stream: &str, t: f64) -> Message {
    Message::Offset(Offset {
        v: Version,
        stream: stream.into(),
        id: 1,
        t,
        wall: 0.0,
        p: 0.1,
        duration: 1.0,
        reason: EventReason::Decision,
        test: false,
    })
}

fn sent(address: &str, value: OscType) -> (String, OscType) {
    (address.into(), value)
}

#[test]
fn every_receiver_gets_flat_addresses_of_one_argument() {
    let (first, first_address) = receiver();
    let (second, second_address) = receiver();
    let hub = hub(&["hall/1"]);
    attach(
        &hub,
        &OscConfig {
            targets: vec![first_address, second_address],
            prefix: "/stage/left".into(),
            repeat_voice_s: 0.0,
            ..OscConfig::default()
        },
    );
    hub.publish(Message::State(State {
        v: Version,
        stream: "hall/1".into(),
        state: StreamState::Running,
        reason: None,
        counts: Default::default(),
    }));
    hub.publish(decision("hall/1", 0, 0.25, false));
    hub.publish(onset("hall/1", 1.5));
    hub.publish(offset("hall/1", 2.5));
    let expected = [
        sent(
            "/stage/left/hall_1/state",
            OscType::String("starting".into()),
        ),
        sent("/stage/left/hall_1/voice", OscType::Int(0)),
        sent(
            "/stage/left/hall_1/state",
            OscType::String("running".into()),
        ),
        sent("/stage/left/hall_1/p", OscType::Float(0.25)),
        sent("/stage/left/hall_1/voice", OscType::Int(1)),
        sent("/stage/left/hall_1/onset", OscType::Float(1.5)),
        sent("/stage/left/hall_1/voice", OscType::Int(0)),
        sent("/stage/left/hall_1/offset", OscType::Float(2.5)),
    ];
    assert_eq!(receive(&first, expected.len()), expected);
    assert_eq!(receive(&second, expected.len()), expected);
}

#[test]
fn the_flag_is_repeated_and_put_right_and_p_comes_at_its_rate() {
    let (socket, address) = receiver();
    let hub = hub(&[]);
    attach(
        &hub,
        &OscConfig {
            targets: vec![address],
            p_rate_hz: 2.0,
            repeat_voice_s: 1.0,
            ..OscConfig::default()
        },
    );
    // The onset of the voice from 8 on was lost on the way to this sink.
    for seq in 0..16 {
        hub.publish(decision("a", seq, seq as f32 / 16.0, seq >= 8));
    }
    let p = |seq: f32| sent("/vocald/a/p", OscType::Float(seq / 16.0));
    let voice = |flag| sent("/vocald/a/voice", OscType::Int(flag));
    assert_eq!(
        receive(&socket, 5),
        [voice(0), p(0.0), p(7.0), voice(1), p(14.0)]
    );
}

#[test]
fn a_receiver_that_is_not_there_takes_nothing_from_the_others() {
    let (gone, gone_address) = receiver();
    drop(gone);
    let (socket, address) = receiver();
    let hub = hub(&[]);
    attach(
        &hub,
        &OscConfig {
            targets: vec![gone_address.clone(), address],
            ..OscConfig::default()
        },
    );
    for t in 0..50 {
        hub.publish(onset("a", f64::from(t)));
    }
    // The flag once, and every onset.
    let all = receive(&socket, 51);
    assert_eq!(all[50], sent("/vocald/a/onset", OscType::Float(49.0)));
    // It comes: what is sent from then on reaches it, the first message too.
    let late = UdpSocket::bind(gone_address).unwrap();
    late.set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    hub.publish(onset("a", 50.0));
    assert_eq!(
        receive(&late, 1),
        [sent("/vocald/a/onset", OscType::Float(50.0))]
    );
    assert!(hub.ends().is_empty());
}

#[test]
fn a_broadcast_address_may_be_sent_to() {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let port = socket.local_addr().unwrap().port();
    let hub = hub(&["a"]);
    // Loopback's own broadcast address.
    let targets = vec![format!("127.255.255.255:{port}")];
    attach(
        &hub,
        &OscConfig {
            targets,
            ..OscConfig::default()
        },
    );
    assert_eq!(receive(&socket, 1)[0].0, "/vocald/a/state");
}

#[test]
fn a_name_that_is_not_found_takes_nothing_from_the_others() {
    let (socket, here) = receiver();
    let config = OscConfig {
        targets: vec!["no-such-host.invalid:9000".into(), here],
        ..OscConfig::default()
    };
    let hub = hub(&["hall"]);
    attach(&hub, &config);
    let first = receive(&socket, 2);
    assert_eq!(first[1], ("/vocald/hall/voice".into(), OscType::Int(0)));
}

#[test]
fn a_name_is_looked_up_and_found() {
    let (socket, here) = receiver();
    let port = here.rsplit_once(':').unwrap().1;
    let config = OscConfig {
        targets: vec![format!("localhost:{port}")],
        ..OscConfig::default()
    };
    let hub = hub(&["hall"]);
    attach(&hub, &config);
    // What is sent before the name is found is lost; the flag is repeated with the decisions.
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    let mut datagram = [0; 1024];
    let found = (0..3000).any(|seq| {
        hub.publish(decision("hall", 20 * seq, 0.5, true));
        socket.recv(&mut datagram).is_ok()
    });
    assert!(found);
}
