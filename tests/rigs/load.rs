//! Many subscribers at once: every decision reaches every one of them, in order and soon.
//!
//! `make fanout` runs the long one: 1000 WebSocket and 100 Unix-socket subscribers for a minute.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use vocald_client::Message;

use crate::support::daemon::{DEMO, Daemon, PATIENCE, quantile};
use crate::support::program::{run, vocald, wav, with_model};

/// From publication to receipt, for 99 of 100 messages.
const P99_MAX_S: f64 = 0.05;
/// File handles beside those of the subscribers.
const OTHER_HANDLES: u64 = 100;

#[derive(Clone, Copy)]
enum Framing {
    Lines,
    WebSocket,
}

/// What one subscriber got.
#[derive(Default)]
struct Received {
    /// Every decision's number, and how long after its publication it was here.
    decisions: Vec<(u64, f64)>,
    lagged: u64,
    gaps: u64,
    /// From capture to publication, by the decisions themselves.
    latencies_s: Vec<f64>,
}

impl Received {
    fn take(&mut self, text: &[u8], received_s: f64) {
        match serde_json::from_slice(text).unwrap() {
            Message::Decision(d) => {
                // `t` was captured at `wall`, the last sample of its window `lookahead` later.
                let published_s = d.wall + d.lookahead + d.latency;
                self.decisions.push((d.seq, received_s - published_s));
                self.latencies_s.push(d.latency);
            }
            Message::Lagged(lagged) => self.lagged += lagged.lost,
            Message::Gap(_) => self.gaps += 1,
            _ => {}
        }
    }

    /// Decisions that did not come, up to `last`; out of order counts as well.
    fn missing(&self, last: u64) -> u64 {
        let Some((first, _)) = self.decisions.first() else {
            return last + 1;
        };
        let in_place = (*first..).zip(&self.decisions);
        let right = in_place.filter(|(due, (seq, _))| due == seq).count() as u64;
        last + 1 - first - right
    }
}

fn unix_now_s() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs_f64()
}

/// Receives until the daemon closes the connection. The first decision counts as `served`.
async fn listen<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    framing: Framing,
    served: watch::Sender<usize>,
) -> Received {
    let mut received = Received::default();
    let mut bytes = Vec::with_capacity(4096);
    if matches!(framing, Framing::WebSocket) {
        shake_hands(&mut stream, &mut bytes).await;
    }
    loop {
        let received_s = unix_now_s();
        let served_before = !received.decisions.is_empty();
        let mut done = 0;
        while let Some((text, pong, end)) = next_text(&bytes[done..], framing) {
            if !text.is_empty() {
                received.take(text, received_s);
            }
            if pong {
                // Masked, as a client must, with zeros.
                stream.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.unwrap();
            }
            done += end;
        }
        bytes.drain(..done);
        if !served_before && !received.decisions.is_empty() {
            served.send_modify(|count| *count += 1);
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return received,
            Ok(_) => {}
        }
    }
}

/// The next whole message in `bytes`, whether it is a ping, and where it ends.
fn next_text(bytes: &[u8], framing: Framing) -> Option<(&[u8], bool, usize)> {
    if let Framing::Lines = framing {
        let end = bytes.iter().position(|&b| b == b'\n')?;
        return Some((&bytes[..end], false, end + 1));
    }
    let (kind, short) = (*bytes.first()?, *bytes.get(1)?);
    let (start, length) = match short {
        126 => {
            let length = u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]);
            (4, usize::from(length))
        }
        127 => panic!("no message is that long"),
        short => (2, usize::from(short)),
    };
    let content = bytes.get(start..start + length)?;
    match kind {
        0x81 => Some((content, false, start + length)),
        0x89 => Some((&[], true, start + length)),
        _ => Some((&[], false, start + length)),
    }
}

async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, bytes: &mut Vec<u8>) {
    let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dm9jYWxkIHZvY2FsZCB2bw==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let end = loop {
        let read = stream.read_buf(bytes).await.unwrap();
        let head = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        match head {
            Some(end) => break end + 4,
            None => assert!(read > 0, "{}", String::from_utf8_lossy(bytes)),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    assert!(
        head.starts_with("HTTP/1.1 101"),
        "{head}: raise [publish.http] clients_max"
    );
    bytes.drain(..end);
}

/// Lets this process open a handle for every subscriber.
fn make_room(subscribers: usize) {
    let needed = subscribers as u64 + OTHER_HANDLES;
    let limit = getrlimit(Resource::Nofile);
    assert!(
        limit.maximum.is_none_or(|most| most >= needed),
        "{needed} file handles are needed here and in the daemon; the hard limit is {:?} (ulimit -Hn)",
        limit.maximum
    );
    let more = Rlimit {
        current: limit.current.map(|now| now.max(needed)),
        ..limit
    };
    setrlimit(Resource::Nofile, more).unwrap();
}

/// Subscribes to a run of the demo clip for `seconds`, and prints the figures.
fn load(websockets: usize, unix_sockets: usize, seconds: u64) -> f64 {
    make_room(websockets + unix_sockets);
    let mut command = vocald("run --pace realtime");
    command
        .arg(DEMO)
        .env("VOCALD_PUBLISH_HTTP_CLIENTS_PER_ADDRESS_MAX", "1024");
    let mut daemon = Daemon::start(command);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let received = runtime.block_on(async {
        let (served, mut counts) = watch::channel(0);
        let mut clients = Vec::new();
        for _ in 0..websockets {
            let stream = TcpStream::connect(&daemon.http).await.unwrap();
            let client = listen(stream, Framing::WebSocket, served.clone());
            clients.push(tokio::spawn(client));
        }
        for _ in 0..unix_sockets {
            let stream = UnixStream::connect(&daemon.unix).await.unwrap();
            let client = listen(stream, Framing::Lines, served.clone());
            clients.push(tokio::spawn(client));
        }
        let all = websockets + unix_sockets;
        let ready = counts.wait_for(|&count| count == all);
        tokio::time::timeout(PATIENCE, ready)
            .await
            .unwrap()
            .unwrap();
        let busy_s = daemon.cpu_s();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        println!(
            "{websockets} WebSocket and {unix_sockets} Unix-socket subscribers for {seconds} s: \
             the daemon took {:.1} % of a core and {:.0} MB",
            (daemon.cpu_s() - busy_s) / seconds as f64 * 100.0,
            daemon.resident_mb(),
        );
        // It ends in order: every decision is delivered to every client.
        let ending = tokio::task::spawn_blocking(move || daemon.end());
        let mut received = Vec::new();
        for client in clients {
            let ending = tokio::time::timeout(PATIENCE, client);
            received.push(ending.await.expect("a good-bye").unwrap());
        }
        ending.await.unwrap();
        received
    });
    figures(&received, seconds)
}

fn figures(received: &[Received], seconds: u64) -> f64 {
    let last = received
        .iter()
        .filter_map(|h| h.decisions.last())
        .map(|d| d.0);
    let last = last.max().expect("a decision");
    let missing: u64 = received.iter().map(|h| h.missing(last)).sum();
    let lagged: u64 = received.iter().map(|h| h.lagged).sum();
    let gaps: u64 = received.iter().map(|h| h.gaps).max().unwrap();
    let mut delays_s: Vec<f64> = received
        .iter()
        .flat_map(|h| &h.decisions)
        .map(|d| d.1)
        .collect();
    delays_s.sort_by(f64::total_cmp);
    let mut latencies_s = received[0].latencies_s.clone();
    latencies_s.sort_by(f64::total_cmp);
    let p99_s = quantile(&delays_s, 0.99);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    println!(
        "{} decisions delivered, {missing} missing, {lagged} lagged, {gaps} gaps of the detector\n\
         publication to receipt: median {:.1} ms, 99 % {:.1} ms, longest {:.1} ms\n\
         last sample to publication: median {:.1} ms, 99 % {:.1} ms; load of the machine {}",
        delays_s.len(),
        quantile(&delays_s, 0.5) * 1e3,
        p99_s * 1e3,
        quantile(&delays_s, 1.0) * 1e3,
        quantile(&latencies_s, 0.5) * 1e3,
        quantile(&latencies_s, 0.99) * 1e3,
        load.split(' ').next().unwrap(),
    );
    assert_eq!((missing, lagged, gaps), (0, 0, 0));
    let due = seconds as usize * 14 * received.len();
    assert!(delays_s.len() >= due, "{} of {due}", delays_s.len());
    p99_s
}

#[test]
fn many_subscribers_get_every_decision_in_order() {
    load(60, 20, 2);
}

/// `command` with no more than 300 open files; `kind` is `-S`, which it may raise, or `-H`.
fn with_few_files(command: &Command, kind: &str) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args([
            "-c",
            &format!("ulimit -S -n 300; ulimit {kind} -n 300; exec \"$0\" \"$@\""),
        ])
        .arg(command.get_program())
        .args(command.get_args())
        .env_remove("RUST_LOG");
    limited
}

#[test]
fn the_limit_on_open_files_is_raised_for_the_clients_or_it_is_said_that_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    wav(&song, 1, 2.0);
    let mut command = with_model("run --pace realtime");
    command.arg(&song);
    let daemon = Daemon::start(with_few_files(&command, "-S"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.child.id())).unwrap();
    let line = limits.lines().find(|l| l.starts_with("Max open files"));
    let soft: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(3)
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        soft > 1024 + 128 + 128,
        "all clients that it allows: {soft}"
    );

    let mut command = with_model("run --pace max --http=127.0.0.1:0");
    command.arg(&song);
    let output = run(&mut with_few_files(&command, "-H"));
    assert_eq!(output.code, Some(0), "{}", output.err);
    let warning = "clients_max requires 1088 clients, but the system allows 300 open files";
    assert!(output.err.contains(warning), "{}", output.err);
}

#[test]
#[ignore = "a minute on a machine that does nothing else: make fanout"]
fn a_thousand_subscribers_get_every_decision_within_50_ms() {
    let p99_s = load(1000, 100, 60);
    assert!(p99_s < P99_MAX_S, "99 % within {:.1} ms", p99_s * 1e3);
}
