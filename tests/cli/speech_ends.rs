//! Speech that is present ends in every output when sound stops or the model no longer has an output for it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::UdpSocket;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::mqtt_rig::{Mosquitto, Reader, found, free_port};
use crate::support::program::{model, of_type, sound, vocald};
use crate::support::speaking::speaking;
use crate::support::stage::{NO_VOICE, SOURCES, Stage};

/// Waits for an OSC message `address` with `value`.
fn osc(socket: &UdpSocket, address: &str, value: i32) {
    let mut datagram = [0; 1024];
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "no {address} {value}");
        let length = socket.recv(&mut datagram).expect("an OSC message");
        let (_, packet) = rosc::decoder::decode_udp(&datagram[..length]).unwrap();
        if let rosc::OscPacket::Message(message) = packet
            && message.addr == address
            && message.args == [rosc::OscType::Int(value)]
        {
            return;
        }
    }
}

/// Waits until a page holds, or no longer holds, `text`.
fn page(daemon: &Daemon, path: &str, text: &str, held: bool) {
    let start = Instant::now();
    loop {
        let (_, page) = daemon.get(path, "");
        if page.contains(text) == held {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{path}: {page}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_stall_ends_speech_in_every_output() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = free_port();
    let broker = found("mosquitto").map(|path| {
        let broker = Mosquitto::open(&path, folder.path(), port);
        (broker, Reader::subscribe(port))
    });
    let mqtt = broker
        .as_ref()
        .map(|_| format!("[publish.mqtt]\nurl = \"mqtt://127.0.0.1:{port}\"\n"));
    let config = format!(
        "{NO_VOICE}[publish.osc]\ntargets = [\"{}\"]\n{}\
         [[source]]\nname = \"hall\"\ninput = \"-\"\nstall_s = 0.5\nformat = \"f32le\"\nrate_hz = 22050\nchannels = 1\n",
        receiver.local_addr().unwrap(),
        mqtt.unwrap_or_default()
    );
    let file = folder.path().join("vocald.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = vocald("run --device cpu --model");
    command.arg(speaking(folder.path(), true));
    command.arg("--config").arg(file).stdin(Stdio::piped());
    let mut daemon = Daemon::start(command);
    let mut lines = BufReader::new(daemon.connect_unix()).lines();
    let mut until = |kind: &str| -> Value {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "no {kind}");
            let line = lines.next().unwrap().unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    };
    let mut stdin = daemon.child.stdin.take().unwrap();
    let talk: Vec<u8> = sound(22_050, 1, 3.0)
        .into_iter()
        .flat_map(f32::to_le_bytes)
        .collect();
    stdin.write_all(&talk).unwrap();
    assert_eq!(until("speech_onset")["id"], 1);
    osc(&receiver, "/vocald/hall/speech", 1);
    let offset = until("speech_offset");
    assert_eq!(
        (&offset["id"], &offset["reason"]),
        (&json!(1), &json!("stalled"))
    );
    osc(&receiver, "/vocald/hall/speech", 0);
    page(&daemon, "/api/streams", "speech_onset", false);
    let present = "vocald_speech_present{stream=\"hall\"} 0";
    page(&daemon, "/metrics", present, true);
    if let Some((_, reader)) = &broker {
        reader.until("vocald/hall/speech", "ON");
        reader.until("vocald/hall/speech", "OFF");
        let late = Reader::subscribe(port).until("vocald/hall/speech", "OFF");
        assert!(late.iter().all(|message| message.retained), "{late:?}");
    }
    drop(stdin);
    daemon.ends_well();
}

#[test]
fn another_model_without_an_output_for_speech_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let with = |model: &std::path::Path| {
        let line = format!("\nmodel = {model:?}\n\n");
        format!("{NO_VOICE}{}", SOURCES.replacen("\n\n", &line, 1))
    };
    let stage = Stage::start(&with(&speaking(folder.path(), true)));
    let mut line = stage.unix();
    line.until(|m| m["type"] == "decision" && m["speech"] == true);
    stage.configure(&with(model()));
    line.done(&json!({"request": "reload"}));
    let offset = line.until_type("speech_offset", "hall");
    assert_eq!(offset["reason"], "decision");
    line.until(|m| m["type"] == "decision" && m["stream"] == "hall" && m.get("speech").is_none());
    line.unbroken("hall");
    assert_eq!(of_type(&line.seen, "speech_offset").len(), 1);
    let now = line.done(&json!({"request": "get"}))["streams"].to_string();
    assert!(!now.contains("speech_onset"), "{now}");
}
