//! A daemon with two sources and a configuration that a test changes while it runs, and a client of it.

use std::collections::HashMap;
use std::f32::consts::TAU;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tungstenite::WebSocket;
use tungstenite::stream::MaybeTlsStream;

use super::daemon::{Daemon, PATIENCE};
use super::program::{model, of_type, with_model};

/// A configuration file in a folder with what it names, and the daemon that runs it.
pub struct Stage {
    pub daemon: Daemon,
    /// Path of its configuration.
    pub config: PathBuf,
    _players: Players,
}

/// The writers of the FIFOs in a folder, which end with this.
struct Players {
    over: Arc<AtomicBool>,
    folder: tempfile::TempDir,
}

/// Two places, each a FIFO: their writers wait, so that a busy machine loses nothing.
pub const SOURCES: &str = "
[[source]]
name = \"hall\"
input = \"fifo:FOLDER/hall\"
format = \"f32le\"
rate_hz = 22050
channels = 1
stall_s = 3600

[[source]]
name = \"room\"
input = \"fifo:FOLDER/room\"
format = \"f32le\"
rate_hz = 22050
channels = 1
stall_s = 3600
";
/// Voice from the first decision on.
pub const VOICE: &str = "[decision]\nenter = 0.002\nleave = 0.001\n";
/// Never voice.
pub const NO_VOICE: &str = "[decision]\nenter = 0.998\nleave = 0.997\n";

impl Stage {
    pub fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        for name in ["hall", "room", "booth"] {
            play(folder.path().join(name), Arc::clone(&over));
        }
        std::fs::copy(model(), folder.path().join("other.safetensors")).unwrap();
        let path = folder.path().join("stage.toml");
        write(&path, config);
        let mut command = with_model("run --config");
        command.arg(&path);
        Self {
            daemon: Daemon::start(command),
            config: path,
            _players: Players { over, folder },
        }
    }

    pub fn configure(&self, config: &str) {
        write(&self.config, config);
    }

    pub fn unix(&self) -> Line {
        let stream = self.daemon.connect_unix();
        let writer = stream.try_clone().unwrap();
        let mut line = Line {
            lines: BufReader::new(stream).lines(),
            writer,
            seen: Vec::new(),
            requested: 0,
            returned: HashMap::new(),
        };
        assert_eq!(line.message()["type"], "hello");
        line
    }

    pub fn post(&self, path: &str, headers: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.daemon.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.daemon.http,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    pub fn web_socket(&self) -> WebSocket<MaybeTlsStream<TcpStream>> {
        let (socket, _) = tungstenite::connect(format!("ws://{}/ws", self.daemon.http)).unwrap();
        socket
    }
}

impl Drop for Players {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Writers wait for a reader no longer.
        for name in ["hall", "room", "booth"] {
            let both = std::fs::File::options()
                .read(true)
                .write(true)
                .open(self.folder.path().join(name));
            drop(both);
        }
    }
}

/// Plays a tone into a FIFO, at four times its speed at most, to one reader after the other.
fn play(path: PathBuf, over: Arc<AtomicBool>) {
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    std::thread::spawn(move || {
        let mut n = 0;
        while !over.load(Ordering::Relaxed) {
            let Ok(mut fifo) = std::fs::File::options().write(true).open(&path) else {
                return;
            };
            loop {
                let tone = (n..n + 2205).map(|n| 0.5 * (n as f32 * 440.0 * TAU / 22_050.0).sin());
                let bytes: Vec<u8> = tone.flat_map(f32::to_le_bytes).collect();
                n = (n + 2205) % 22_050;
                if fifo.write_all(&bytes).is_err() || over.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(25));
            }
        }
    });
}

/// At once, as a reload may read it at any moment.
fn write(path: &Path, config: &str) {
    let folder = path.parent().unwrap();
    let mut file = tempfile::NamedTempFile::new_in(folder).unwrap();
    let config = config.replace("FOLDER", folder.to_str().unwrap());
    file.write_all(config.as_bytes()).unwrap();
    file.persist(path).unwrap();
}

/// A client of the Unix socket, with all that it has received.
pub struct Line {
    lines: Lines<BufReader<UnixStream>>,
    writer: UnixStream,
    pub seen: Vec<Value>,
    /// How many had been received at the last request.
    requested: usize,
    /// Per stream, how many had been received up to the one that `until` returned last. The order of messages
    /// of different streams is not defined.
    returned: HashMap<String, usize>,
}

impl Line {
    pub fn message(&mut self) -> Value {
        let message: Value = serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap();
        self.seen.push(message.clone());
        message
    }

    /// The first message that `is` holds for, since the last request and the one returned before of its stream.
    #[track_caller]
    pub fn until(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        let mut next = self.requested;
        loop {
            while let Some(message) = self.seen.get(next) {
                next += 1;
                let returned = self.returned.entry(stream_of(message)).or_default();
                if next > *returned && is(message) {
                    *returned = next;
                    return message.clone();
                }
            }
            assert!(start.elapsed() < PATIENCE, "it does not come");
            self.message();
        }
    }

    /// Waits until a voice is present, which may have begun before the connection.
    #[track_caller]
    pub fn until_voice(&mut self, stream: &str) {
        self.until(|m| m["type"] == "decision" && m["stream"] == stream && m["voice"] == true);
    }

    #[track_caller]
    pub fn until_type(&mut self, kind: &str, stream: &str) -> Value {
        self.until(|m| m["type"] == kind && m["stream"] == stream)
    }

    /// What a request changes may be published before its reply.
    pub fn request(&mut self, request: &Value) -> Value {
        self.requested = self.seen.len();
        writeln!(self.writer, "{request}").unwrap();
        loop {
            let message = self.message();
            if message["type"] == "reply" {
                return message;
            }
        }
    }

    pub fn done(&mut self, request: &Value) -> Value {
        let reply = self.request(request);
        assert_eq!(reply["ok"], true, "{request} {reply}");
        reply
    }

    /// Waits for decisions, and checks that those of `stream` are without a hole since the beginning.
    #[track_caller]
    pub fn unbroken(&mut self, stream: &str) {
        self.returned.insert(stream.into(), self.seen.len());
        for _ in 0..10 {
            self.until_type("decision", stream);
        }
        let of_stream = |m: &&Value| m["stream"] == stream;
        assert_eq!(of_type(&self.seen, "gap"), Vec::<&Value>::new());
        let seqs: Vec<u64> = of_type(&self.seen, "decision")
            .into_iter()
            .filter(of_stream)
            .map(|d| d["seq"].as_u64().unwrap())
            .collect();
        let broken = seqs.windows(2).find(|pair| pair[1] != pair[0] + 1);
        assert_eq!(broken, None, "{stream}");
    }
}

fn stream_of(message: &Value) -> String {
    message["stream"].as_str().unwrap_or_default().into()
}
