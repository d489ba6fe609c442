//! Sound that stops arriving: the open voice is closed in every output, and comes back with the sound.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::mqtt_rig::{Mosquitto, Reader, found, free_port};
use crate::support::program::{of_type, sound, with_model};

const RATE_HZ: u32 = 22_050;

/// A voice from the first decision on, which never ends by itself.
const ALWAYS: &str = "--format f32le --rate 22050 --channels 1 --enter 0.002 --leave 0.001";

fn bytes(seconds: f64) -> Vec<u8> {
    let samples = sound(RATE_HZ, 1, seconds);
    samples.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The messages of a client, in order.
struct Received {
    lines: std::io::Lines<BufReader<UnixStream>>,
    all: Vec<Value>,
}

impl Received {
    fn from(daemon: &Daemon) -> Self {
        Self {
            lines: BufReader::new(daemon.connect_unix()).lines(),
            all: Vec::new(),
        }
    }

    /// The next message of this kind that `fits`.
    #[track_caller]
    fn until(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        for line in &mut self.lines {
            assert!(start.elapsed() < PATIENCE, "no {kind}");
            let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
            self.all.push(message.clone());
            if message["type"] == kind && fits(&message) {
                return message;
            }
        }
        panic!("no {kind} in {:#?}", self.all)
    }
}

/// The last `/vocald/hall/voice` that arrives within `PATIENCE` and is `value`.
fn osc_voice(socket: &UdpSocket, value: i32) {
    let mut datagram = [0; 1024];
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "no voice {value}");
        let length = socket.recv(&mut datagram).expect("an OSC message");
        let (_, packet) = rosc::decoder::decode_udp(&datagram[..length]).unwrap();
        if let rosc::OscPacket::Message(message) = packet
            && message.addr == "/vocald/hall/voice"
            && message.args == [rosc::OscType::Int(value)]
        {
            return;
        }
    }
}

#[test]
fn a_stalled_pipe_closes_the_voice_in_every_output() {
    let folder = tempfile::tempdir().unwrap();
    let osc = UdpSocket::bind("127.0.0.1:0").unwrap();
    osc.set_read_timeout(Some(PATIENCE)).unwrap();
    let config = folder.path().join("vocald.toml");
    let mut text = format!(
        "[publish.osc]\ntargets = [\"{}\"]\n[[source]]\nname = \"hall\"\ninput = \"-\"\nstall_s = 0.5\n",
        osc.local_addr().unwrap()
    );
    let port = free_port();
    let broker = found("mosquitto").map(|path| {
        text = format!("[publish.mqtt]\nurl = \"mqtt://127.0.0.1:{port}\"\n{text}");
        let broker = Mosquitto::open(&path, folder.path(), port);
        (broker, Reader::subscribe(port))
    });
    std::fs::write(
        &config,
        text + "format = \"f32le\"\nrate_hz = 22050\nchannels = 1\n",
    )
    .unwrap();
    let mut command = with_model(&format!("run {ALWAYS} --config"));
    command.arg(&config).stdin(Stdio::piped());
    let mut daemon = Daemon::start(command);
    let mut received = Received::from(&daemon);
    let mut stdin = daemon.child.stdin.take().unwrap();

    let sound = bytes(6.0);
    let (first, second) = sound.split_at(3 * 4 * RATE_HZ as usize);
    stdin.write_all(first).unwrap();
    let onset = received.until("onset", |_| true);
    assert_eq!(
        (&onset["id"], &onset["reason"]),
        (&1.into(), &"decision".into())
    );
    osc_voice(&osc, 1);
    let offset = received.until("offset", |_| true);
    assert_eq!(
        (&offset["id"], &offset["reason"]),
        (&1.into(), &"stalled".into())
    );
    // At the last sound captured, beyond the last decision.
    assert!(
        (offset["t"].as_f64().unwrap() - 3.0).abs() < 0.01,
        "{offset}"
    );
    let stalled = received.until("state", |m| m["state"] == "stalled");
    assert_eq!(stalled["reason"], "no sound for 0.5 s");
    osc_voice(&osc, 0);
    // Who asks now gets no voice and no decision of the past.
    // Every output has its own queue, so HTTP may learn of it a moment later.
    let deadline = Instant::now() + Duration::from_secs(10);
    let streams = loop {
        let streams: Value = serde_json::from_str(&daemon.get("/api/streams", "").1).unwrap();
        if streams[0]["state"] == "stalled" || Instant::now() > deadline {
            break streams;
        }
    };
    assert_eq!(streams[0]["state"], "stalled");
    assert_eq!(streams[0].get("onset"), None);
    let state: Value = serde_json::from_str(&daemon.get("/api/state", "").1).unwrap();
    assert_eq!(state["decisions"], Value::Array(Vec::new()), "{state}");
    assert_eq!(daemon.get("/healthz", "").0, 503);
    assert!(
        daemon
            .get("/metrics", "")
            .1
            .contains("vocald_voice_present{stream=\"hall\"} 0")
    );
    if let Some((_, reader)) = &broker {
        reader.until("vocald/hall/voice", "ON");
        reader.until("vocald/hall/voice", "OFF");
        assert!(
            Reader::subscribe(port)
                .until("vocald/hall/voice", "OFF")
                .iter()
                .all(|m| m.retained)
        );
    }

    // A pipe loses nothing: the windows go on where they were.
    stdin.write_all(second).unwrap();
    // At once, or a busy machine stalls once more.
    drop(stdin);
    received.until("state", |m| m["state"] == "running");
    let again = received.until("onset", |_| true);
    assert_eq!(again["id"], 2);
    assert!(again["t"].as_f64() >= offset["t"].as_f64(), "{again}");
    let last = received.until("offset", |_| true);
    assert_eq!((&last["id"], &last["reason"]), (&2.into(), &"ended".into()));
    let seqs: Vec<u64> = of_type(&received.all, "decision")
        .iter()
        .map(|m| m["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(of_type(&received.all, "gap"), Vec::<&Value>::new());
    daemon.ends_well();
}

#[test]
fn a_fifo_whose_writer_leaves_closes_the_voice_and_waits_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    // Only the writer that leaves ends the voice, however busy the machine is.
    let mut command = with_model(&format!("run {ALWAYS} --stall 600"));
    command.arg(format!("fifo:{}", fifo.display()));
    let daemon = Daemon::start(command);
    let mut received = Received::from(&daemon);
    let open = || std::fs::File::options().write(true).open(&fifo).unwrap();
    let mut before_s = 0.0;
    for id in 1..=2 {
        let mut writer = open();
        writer.write_all(&bytes(2.0)).unwrap();
        let onset = received.until("onset", |_| true);
        assert_eq!(onset["id"], id);
        // Half a frame at the end: the next writer begins at a whole one.
        writer.write_all(&[1, 2]).unwrap();
        drop(writer);
        let offset = received.until("offset", |_| true);
        assert_eq!(
            (&offset["id"], &offset["reason"]),
            (&id.into(), &"lost".into())
        );
        assert!(
            (offset["t"].as_f64().unwrap() - before_s - 2.0).abs() < 0.01,
            "{offset}"
        );
        let state = received.until("state", |m| m["state"] == "waiting");
        assert_eq!(
            state["reason"],
            "the program that wrote to the FIFO has left"
        );
        before_s += 2.0;
    }
    daemon.interrupted_ends_well();
}
