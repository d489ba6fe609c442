//! Messages posted to a URL.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use vocald::config::HookConfig;
use vocald::publish::hook::Hook;
use vocald::publish::hub::{Delivery, HelloFacts, Hub};
use vocald_client::Message;
use vocald_client::message::{EventReason, Onset, Version};

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

/// Serves one request per status, each on a connection of its own. Returns heads and bodies.
fn serve(listener: TcpListener, statuses: &[u16]) -> Vec<(String, String)> {
    let serve = |status: &u16| {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let lower = head.to_lowercase();
        let (_, length) = lower.split_once("content-length: ").unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let response =
            format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        (&stream).write_all(response.as_bytes()).unwrap();
        (head, String::from_utf8(body).unwrap())
    };
    statuses.iter().map(serve).collect()
}

#[test]
fn each_event_is_posted_once_as_json_and_a_failure_stops_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let hub = Hub::new(HelloFacts {
        model: "test".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: vec![0.58],
        lookahead_s: 0.58,
        hop_s: 1.0 / 14.0,
        speech_thresholds: None,
    });
    let config = HookConfig {
        url: format!("http://{address}/voice?key=secret"),
        ..HookConfig::default()
    };
    let delivery = Delivery::DropOldest { capacity: 16 };
    hub.subscribe(
        Hook::new(&config, Some("sesame")),
        delivery,
        config.subscription(),
    )
    .unwrap();
    let server = std::thread::spawn(move || serve(listener, &[200, 500, 204]));
    for id in 1..=3 {
        hub.publish(onset(id));
    }
    let requests = server.join().unwrap();
    hub.finish(Duration::from_secs(20));
    let posted: Vec<Message> = requests
        .iter()
        .map(|(_, body)| serde_json::from_str(body).unwrap())
        .collect();
    assert_eq!(posted, [onset(1), onset(2), onset(3)]);
    let head = requests[0].0.to_lowercase();
    assert!(
        head.starts_with("post /voice?key=secret http/1.1"),
        "{head}"
    );
    assert!(head.contains("authorization: bearer sesame"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
}
