//! Subscribers that stop reading, or read a byte a second: nobody else notices, memory stays flat,
//! and when they read again they learn exactly how much they lost.
//!
//! `make hostile` runs the long one, against the whole program. A binary of its own, since the other
//! measures the memory of its process.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[allow(dead_code)] // a part of it is used
mod support;

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use vocald::config::HttpAccess;
use vocald::pipeline::collector::Collector;
use vocald::publish::fanout::fanout;
use vocald::publish::hub::{Delivery, HelloFacts, Hub};
use vocald::publish::places::Places;
use vocald::publish::{Control, http, lines};
use vocald_client::Message;
use vocald_client::message::{Decision, Version};

use support::daemon::{Daemon, PATIENCE, resident_mb};
use support::program::{vocald, wav};

/// Messages that wait for a slow client.
const QUEUE: usize = 256;
/// Far more than what all buffers of the system on the way to a client hold.
const MESSAGES: u64 = 40_000;
/// Published in one go; less than the queue, so that whoever reads loses nothing.
const BURST: u64 = 64;
/// What memory may grow by while slow clients lose messages.
const GROWTH_MB: f64 = 4.0;

/// A kilobyte of JSON, by the length of its stream's name.
fn decision(seq: u64, stream: &str) -> Message {
    Message::Decision(Decision {
        v: Version,
        stream: stream.into(),
        seq,
        t: seq as f64,
        wall: 0.0,
        p: 0.5,
        voice: false,
        lookahead: 0.1,
        latency: 0.0,
        speech_p: None,
        speech: None,
        late: false,
        test: false,
    })
}

/// Both kinds of connection, as bytes.
enum Connection {
    Unix(UnixStream),
    WebSocket(TcpStream),
}

impl Read for Connection {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(bytes),
            Self::WebSocket(stream) => stream.read(bytes),
        }
    }
}

impl Connection {
    fn unix(path: &std::path::Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::Unix(stream)
    }

    /// With its hands shaken; `path` as `/ws`.
    fn websocket(address: &str, path: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dm9jYWxkIHZvY2FsZCB2bw==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"));
        Self::WebSocket(stream)
    }

    fn messages(self) -> Messages {
        Messages {
            framed: matches!(self, Self::WebSocket(_)),
            bytes: BufReader::new(Box::new(self)),
        }
    }
}

struct Messages {
    bytes: BufReader<Box<dyn Read + Send>>,
    framed: bool,
}

impl Messages {
    /// The next one, or None at the good-bye.
    fn next(&mut self) -> Option<Message> {
        let mut text = Vec::new();
        if !self.framed {
            let count = self.bytes.read_until(b'\n', &mut text).unwrap();
            return (count > 0).then(|| serde_json::from_slice(&text).unwrap());
        }
        loop {
            let mut head = [0; 2];
            self.bytes.read_exact(&mut head).ok()?;
            let length = match head[1] {
                126 => {
                    let mut length = [0; 2];
                    self.bytes.read_exact(&mut length).unwrap();
                    usize::from(u16::from_be_bytes(length))
                }
                short => usize::from(short),
            };
            text.resize(length, 0);
            self.bytes.read_exact(&mut text).unwrap();
            match head[0] {
                0x81 => return Some(serde_json::from_slice(&text).unwrap()),
                0x88 => return None,
                _ => {}
            }
        }
    }
}

/// What became of a client's messages.
#[derive(Debug, Default)]
struct Account {
    decisions: u64,
    lost: u64,
    times_lagged: u64,
    gaps: u64,
}

/// Reads to the end. Every decision is the next one, or later by just as many as were reported lost.
fn account(mut messages: Messages, progress: &AtomicU64) -> Account {
    let mut account = Account::default();
    let mut due = None;
    while let Some(message) = messages.next() {
        match message {
            Message::Decision(d) => {
                assert_eq!(d.seq, due.unwrap_or(d.seq), "{account:?}");
                due = Some(d.seq + 1);
                account.decisions += 1;
                progress.store(d.seq + 1, Ordering::Relaxed);
            }
            Message::Lagged(lagged) => {
                account.lost += lagged.lost;
                account.times_lagged += 1;
                // Only decisions were published meanwhile.
                due = due.map(|seq| seq + lagged.lost);
            }
            Message::Gap(_) => account.gaps += 1,
            _ => {}
        }
    }
    account
}

/// Reads a byte a second until it is to hurry; the bytes it took, and the rest.
fn a_byte_a_second(mut connection: Connection, hurry: Arc<AtomicBool>) -> Messages {
    let framed = matches!(connection, Connection::WebSocket(_));
    let mut taken = Vec::new();
    while !hurry.load(Ordering::Relaxed) {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        taken.push(byte[0]);
        let next = Instant::now() + Duration::from_secs(1);
        while Instant::now() < next && !hurry.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let all = std::io::Cursor::new(taken).chain(connection);
    Messages {
        bytes: BufReader::new(Box::new(all)),
        framed,
    }
}

#[test]
fn who_does_not_read_loses_its_own_oldest_messages_and_receives_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocald.sock");
    let hub = Arc::new(Hub::new(HelloFacts {
        model: "test".into(),
        device: "cpu".into(),
        precision: "float32".into(),
        horizons_s: vec![0.1],
        lookahead_s: 0.1,
        hop_s: 0.0714,
        speech_thresholds: None,
    }));
    let probes = Arc::new(Collector::new(Arc::downgrade(&hub)));
    let delivery = Delivery::DropOldest { capacity: QUEUE };
    let access = HttpAccess::new(([127, 0, 0, 1], 0).into(), None, Vec::new()).unwrap();
    let limits = http::Limits {
        clients: 8,
        clients_per_address: 8,
        requests: 16,
    };
    let settings = http::Settings {
        access: Arc::new(access),
        tls: None,
    };
    let probes = Box::new(probes);
    let http::Started {
        server: web,
        address,
        sink,
        handle: _handle,
    } = http::start(&hub, settings, limits, QUEUE, probes, Control::none()).unwrap();
    hub.attach(sink, delivery).unwrap();
    let (sink, subscriptions) = fanout("unix".into(), hub.hello(), QUEUE);
    let places = Places::new("publish.unix", 8, 8);
    let unix = lines::unix::start(&path, subscriptions, places, Control::none()).unwrap();
    hub.attach(sink, delivery).unwrap();
    let address = address.to_string();
    let pair = || {
        [
            Connection::unix(&path),
            Connection::websocket(&address, "/ws"),
        ]
    };

    let reach: Vec<Arc<AtomicU64>> = (0..2).map(|_| Arc::default()).collect();
    let good: Vec<JoinHandle<Account>> = pair()
        .into_iter()
        .zip(reach.clone())
        .map(|(connection, reach)| {
            std::thread::spawn(move || account(connection.messages(), &reach))
        })
        .collect();
    let stopped = pair();
    let hurry: Arc<AtomicBool> = Arc::default();
    let slow: Vec<JoinHandle<Messages>> = pair()
        .into_iter()
        .map(|connection| {
            let hurry = Arc::clone(&hurry);
            std::thread::spawn(move || a_byte_a_second(connection, hurry))
        })
        .collect();
    // All are served before the first decision.
    std::thread::sleep(Duration::from_millis(500));

    let stream = "s".repeat(900);
    let mut resident = Vec::new();
    for seq in 0..MESSAGES {
        hub.publish(decision(seq, &stream));
        if seq % BURST == BURST - 1 {
            let start = Instant::now();
            while reach.iter().any(|r| r.load(Ordering::Relaxed) <= seq) {
                assert!(start.elapsed() < PATIENCE, "those who read get nothing");
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        if seq % 1000 == 0 {
            resident.push(resident_mb(std::process::id()));
        }
    }
    let settled = resident[resident.len() / 4];
    let grown = resident.last().unwrap() - settled;
    assert!(grown < GROWTH_MB, "memory grew: {resident:?} MB");

    hurry.store(true, Ordering::Relaxed);
    let slow = slow.into_iter().map(|slow| slow.join().unwrap());
    let hostile: Vec<JoinHandle<Account>> = stopped
        .into_iter()
        .map(Connection::messages)
        .chain(slow)
        .map(|messages| std::thread::spawn(move || account(messages, &AtomicU64::new(0))))
        .collect();
    hub.finish(Duration::from_secs(5));
    drop(hub);
    for good in good {
        let good = good.join().unwrap();
        assert_eq!((good.decisions, good.lost), (MESSAGES, 0), "{good:?}");
    }
    for (who, hostile) in ["stopped", "stopped, WebSocket", "slow", "slow, WebSocket"]
        .iter()
        .zip(hostile)
    {
        let account = hostile.join().unwrap();
        println!("{who}: {account:?}");
        assert!(account.lost > MESSAGES / 4, "{who}: {account:?}");
        assert_eq!(
            account.decisions + account.lost,
            MESSAGES,
            "{who}: {account:?}"
        );
        assert!(account.times_lagged <= 2, "{who}: {account:?}");
    }
    web.finish();
    unix.finish();
}

/// The whole program in real time, for so long.
const SOAK: Duration = Duration::from_secs(300);
/// Memory is compared from here on.
const SETTLED: Duration = Duration::from_secs(60);

#[test]
#[ignore = "five minutes: make hostile"]
fn the_program_stays_as_it_is_whatever_its_clients_do() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, SOAK.as_secs_f64() + 30.0);
    let mut command = vocald("run --pace realtime");
    command.arg(&song);
    let mut daemon = Daemon::start(command);
    // Levels too, a kilobyte each, so that the buffers on the way fill.
    let types = "decision,onset,offset,state,gap,level";
    let path = format!("/ws?types={types}");
    let pair = || {
        let mut unix = Connection::unix(&daemon.unix);
        if let Connection::Unix(stream) = &mut unix {
            let list = types.replace(',', "\",\"");
            stream
                .write_all(format!("{{\"types\":[\"{list}\"]}}\n").as_bytes())
                .unwrap();
        }
        [unix, Connection::websocket(&daemon.http, &path)]
    };
    let good = pair().map(|connection| {
        std::thread::spawn(move || account(connection.messages(), &AtomicU64::new(0)))
    });
    let _stopped = [pair(), pair(), pair()];
    let hurry: Arc<AtomicBool> = Arc::default();
    let _slow = [pair(), pair()].map(|pair| {
        pair.map(|connection| {
            let hurry = Arc::clone(&hurry);
            std::thread::spawn(move || a_byte_a_second(connection, hurry))
        })
    });
    let start = Instant::now();
    let mut resident = Vec::new();
    while start.elapsed() < SOAK {
        std::thread::sleep(Duration::from_secs(5));
        resident.push((start.elapsed(), daemon.resident_mb()));
    }
    daemon.end();
    let settled: Vec<f64> = resident
        .iter()
        .filter(|(at, _)| *at > SETTLED)
        .map(|&(_, mb)| mb)
        .collect();
    println!(
        "ten subscribers that do not read, {} s: memory from {:.1} to {:.1} MB",
        SOAK.as_secs(),
        settled[0],
        settled.last().unwrap()
    );
    for good in good {
        let good = good.join().unwrap();
        println!("one that reads: {good:?}");
        assert_eq!((good.lost, good.gaps), (0, 0));
        assert!(good.decisions > SOAK.as_secs() * 14 - 50, "{good:?}");
    }
    assert!(
        settled.last().unwrap() - settled[0] < GROWTH_MB,
        "{resident:?}"
    );
}
