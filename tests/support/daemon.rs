//! A run of the built program with its servers open, and where its clients find it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::program::{send_signal, sound, wav, with_model};

/// 90 s of a song; the first onset of the built-in checkpoint is at 3 s.
pub const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.ogg");
/// No test waits longer than this for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

pub struct Daemon {
    pub child: Child,
    /// `ADDRESS:PORT` of the page.
    pub http: String,
    /// `ADDRESS:PORT` of JSON lines on TCP.
    pub tcp: String,
    pub unix: PathBuf,
    _folder: tempfile::TempDir,
}

/// `ADDRESS:PORT` of a free port.
const ANY: &str = "127.0.0.1:0";

impl Daemon {
    /// Starts `command`, a `vocald run`, with its sockets in a folder of their own.
    pub fn start(command: Command) -> Self {
        Self::start_at(command, ANY)
    }

    /// The same with the page at `http`, `ADDRESS:PORT`.
    pub fn start_at(command: Command, http: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let unix = folder.path().join("vocald.sock");
        Self::open(command, http, unix, folder)
    }

    /// The same with its Unix socket at `unix`.
    pub fn start_on(command: Command, unix: &Path) -> Self {
        Self::open(command, ANY, unix.into(), tempfile::tempdir().unwrap())
    }

    /// The tests' model on `seconds` of [`sound`](super::program::sound), at its own speed, with a
    /// changed command.
    pub fn playing(seconds: f64, change: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let song = folder.path().join("song.wav");
        wav(&song, 1, seconds);
        let mut command = with_model("run --pace realtime");
        command.arg(&song);
        change(&mut command);
        let unix = folder.path().join("vocald.sock");
        Self::open(command, ANY, unix, folder)
    }

    /// The tests' model on standard input, as fast as the sound comes.
    pub fn fed() -> (Self, Feed) {
        let line = format!("run - --format f32le --rate {FEED_HZ} --channels 1");
        let mut command = with_model(&line);
        command.stdin(Stdio::piped());
        let mut daemon = Self::start(command);
        let feed = Feed {
            stdin: daemon.child.stdin.take().unwrap(),
            samples: 0,
        };
        (daemon, feed)
    }

    fn open(mut command: Command, http: &str, unix: PathBuf, folder: tempfile::TempDir) -> Self {
        command
            .arg(format!("--http={http}"))
            .args(["--tcp", ANY])
            .arg(format!("--unix={}", unix.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut tcp, mut http, mut output) = (String::new(), String::new(), String::new());
        while http.is_empty() {
            let Some(line) = lines.next() else {
                panic!("it ended before it printed where it listens: {output}");
            };
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("vocald: JSON lines on tcp ") {
                tcp = address.into();
            }
            if let Some(page) = line.strip_prefix("vocald: the page is at ") {
                let (_, address) = page.split_once("://").unwrap();
                http = address.trim_end_matches('/').into();
            }
            output.push_str(&line);
        }
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("{line}");
            }
        });
        Self {
            child,
            http,
            tcp,
            unix,
            _folder: folder,
        }
    }

    /// The folder of the Unix socket: `XDG_RUNTIME_DIR` of a client that looks for it there.
    pub fn folder(&self) -> &Path {
        self.unix.parent().unwrap()
    }

    pub fn connect_unix(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.unix).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub fn connect_tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.tcp).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Status and body.
    pub fn get(&self, path: &str, headers: &str) -> (u16, String) {
        let headers = match headers.contains("Host:") {
            true => headers.to_owned(),
            false => format!("Host: {}\r\n{headers}", self.http),
        };
        let mut stream = TcpStream::connect(&self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    pub fn until_healthy(&self) {
        let start = Instant::now();
        while self.get("/healthz", "").0 != 200 {
            assert!(start.elapsed() < PATIENCE, "it never became healthy");
            std::thread::sleep(POLL);
        }
    }

    /// Sends it SIGINT, and waits until it has ended.
    pub fn end(&mut self) {
        send_signal(&self.child, libc::SIGINT);
        self.wait();
    }

    /// Sends it SIGINT, and waits until it has ended in order.
    pub fn interrupted_ends_well(self) {
        send_signal(&self.child, libc::SIGINT);
        self.ends_well();
    }

    /// Waits until it has ended of itself, in order.
    pub fn ends_well(mut self) {
        let status = self.wait();
        assert!(status.success(), "{status}");
        assert!(!self.unix.exists(), "the socket goes with the program");
    }

    fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(POLL);
        }
    }

    /// Seconds of processor time so far.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        // SAFETY: nothing but a question to the C library.
        ticks / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
    }

    pub fn resident_mb(&self) -> f64 {
        resident_mb(self.child.id())
    }
}

const FEED_HZ: u32 = 22_050;

/// Standard input of a [fed](Daemon::fed) daemon; its end is the end of the sound.
pub struct Feed {
    stdin: ChildStdin,
    samples: usize,
}

impl Feed {
    /// More of [`sound`](super::program::sound).
    pub fn play(&mut self, seconds: f64) {
        let end_s = self.samples as f64 / f64::from(FEED_HZ) + seconds;
        let sound = sound(FEED_HZ, 1, end_s);
        let bytes: Vec<u8> = sound[self.samples..]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        self.samples = sound.len();
        self.stdin.write_all(&bytes).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process.
pub fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    let kb: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1024.0
}

/// The value below which the share `share` of `sorted` lies.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
