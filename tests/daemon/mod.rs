//! A run of the built program with its servers open, and where its clients find it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// 90 s of a song; the published checkpoint's first onset is at 7 s.
pub const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.ogg");
/// No test waits longer than this for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Daemon {
    pub child: Child,
    /// `ADDRESS:PORT` of the page.
    pub http: String,
    /// `ADDRESS:PORT` of JSON lines on TCP.
    pub tcp: String,
    pub unix: PathBuf,
    _folder: tempfile::TempDir,
}

impl Daemon {
    /// Starts `command`, a `vocald run`, with its sockets in a folder of their own. The page is at
    /// `http`, `ADDRESS:PORT`.
    pub fn start(mut command: Command, http: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let unix = folder.path().join("vocald.sock");
        command
            .arg(format!("--http={http}"))
            .args(["--tcp", "127.0.0.1:0"])
            .arg(format!("--unix={}", unix.display()))
            .env_remove("VOCALD_TOKEN")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut tcp, mut http, mut said) = (String::new(), String::new(), String::new());
        while http.is_empty() {
            let Some(line) = lines.next() else {
                panic!("it ended before it said where it listens: {said}");
            };
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("vocald: JSON lines on tcp ") {
                tcp = address.into();
            }
            if let Some(address) = line.strip_prefix("vocald: the page is at http://") {
                http = address.trim_end_matches('/').into();
            }
            said.push_str(&line);
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

    /// Where the Unix socket is: `XDG_RUNTIME_DIR` of a client that looks for it there.
    pub fn folder(&self) -> &Path {
        self.unix.parent().unwrap()
    }

    /// Asks it to end, and waits until it did.
    pub fn end(&mut self) {
        // SAFETY: nothing but a system call, on a child that was not waited for yet.
        assert_eq!(
            unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) },
            0
        );
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
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
