//! The whole program, started as users start it, on a sound that is made for the purpose.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use vocald_client::Message;

const RATE_HZ: u32 = 44_100;
/// Length of the sound that `detect` labels.
const DETECT_S: u32 = 60;
/// Length of a measurement of streams, in which their latency settles.
const STREAMS_S: u32 = 8;
/// Most latency of 99 % of the decisions.
pub const BUDGET_MS: f64 = 50.0;
/// Most streams that are tried.
const MOST_STREAMS: u32 = 128;

/// What the program costs as a whole.
#[derive(Debug, serde::Serialize)]
pub struct Program {
    /// From the start of `run` on a file to its first decision.
    pub first_decision_s: f64,
    /// Length of the sound by the time that `detect` takes, its start included.
    pub detect_times_real_time: f64,
    /// Length of the sound by the processor time that `detect` takes.
    pub detect_times_cpu_time: f64,
    /// Largest resident memory of these runs.
    pub memory_mb: f64,
}

/// Options that every run of the program gets.
pub struct Options {
    pub model: Option<PathBuf>,
    pub device: String,
    pub precision: String,
}

impl Options {
    fn command(&self, name: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(name).args(["--precision", &self.precision]);
        command.args(["--device", &self.device]);
        if let Some(model) = &self.model {
            command.arg("--model").arg(model);
        }
        // What is set for the daemon does not count here.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"VOCALD_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }
}

/// Runs `detect` and `run` on a sound in a temporary folder.
pub fn measure(options: &Options) -> anyhow::Result<Program> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sound.wav");
    write_sound(&path, 1, DETECT_S)?;

    let mut command = options.command("run")?;
    command.args(["--pace", "max"]).arg(&path);
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().context("no output of run")?;
    let decided = BufReader::new(out).lines().any(|line| {
        line.is_ok_and(|line| matches!(serde_json::from_str(&line), Ok(Message::Decision(_))))
    });
    let first_decision_s = started.elapsed().as_secs_f64();
    child.kill()?;
    child.wait()?;
    if !decided {
        bail!("vocald run made no decision; run it on a file to see why");
    }

    let before = Usage::of_children();
    let mut command = options.command("detect")?;
    let started = Instant::now();
    let status = command.arg(&path).stdout(Stdio::null()).status()?;
    let took_s = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("vocald detect failed; run it on a file to see why");
    }
    let after = Usage::of_children();
    Ok(Program {
        first_decision_s,
        detect_times_real_time: f64::from(DETECT_S) / took_s,
        detect_times_cpu_time: f64::from(DETECT_S) / (after.cpu_s - before.cpu_s),
        memory_mb: after.memory_mb,
    })
}

/// The decisions of some streams at once.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Load {
    pub streams: u32,
    pub latency_median_ms: f64,
    pub latency_p99_ms: f64,
    /// Windows and sound that were lost.
    pub gaps: usize,
    /// Share of one core.
    pub cpu_percent: f64,
}

impl Load {
    fn keeps_up(&self) -> bool {
        self.gaps == 0 && self.latency_p99_ms <= BUDGET_MS
    }
}

/// Doubles the number of streams until the latency exceeds 50 ms or sound is lost, then halves the difference. Every
/// load that was measured, in the order of streams.
pub fn loads(options: &Options, mut done: impl FnMut(&Load)) -> anyhow::Result<Vec<Load>> {
    let mut loads = Vec::new();
    let (mut kept, mut lost) = (0, MOST_STREAMS + 1);
    let mut streams = 1;
    // To an eighth: less than the noise from one run to the next.
    while streams > kept && lost - kept > kept.div_ceil(8) {
        let load = load(options, streams)?;
        done(&load);
        match load.keeps_up() {
            true => kept = streams,
            false => lost = streams,
        }
        loads.push(load);
        streams = match lost > MOST_STREAMS {
            true => (2 * streams).min(MOST_STREAMS),
            false => (kept + lost) / 2,
        };
    }
    loads.sort_by_key(|load| load.streams);
    Ok(loads)
}

/// The most streams that keep up.
pub fn most(loads: &[Load]) -> u32 {
    let keeping = loads.iter().filter(|load| load.keeps_up());
    keeping.map(|load| load.streams).max().unwrap_or(0)
}

/// A daemon at real-time pace on the channels of a file, whose windows all come at the same moment: the worst case.
fn load(options: &Options, streams: u32) -> anyhow::Result<Load> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("streams.wav");
    write_sound(&path, u16::try_from(streams)?, STREAMS_S)?;
    let mut command = options.command("run")?;
    command.args([
        "--pace",
        "realtime",
        "--each-channel",
        "--only",
        "decision,gap",
    ]);
    let before = Usage::of_children();
    let mut child = command.arg(&path).stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().context("no output of run")?;
    let (mut latencies_ms, mut gaps) = (Vec::new(), 0);
    for line in BufReader::new(out).lines() {
        match serde_json::from_str(&line?) {
            Ok(Message::Decision(decision)) => latencies_ms.push(decision.latency * 1000.0),
            Ok(Message::Gap(_)) => gaps += 1,
            _ => {}
        }
    }
    let status = child.wait()?;
    if !status.success() || latencies_ms.is_empty() {
        bail!("vocald run failed with {streams} streams; run it with --each-channel to see why");
    }
    latencies_ms.sort_by(f64::total_cmp);
    let at = |share: f64| latencies_ms[(share * (latencies_ms.len() - 1) as f64) as usize];
    let cpu_s = Usage::of_children().cpu_s - before.cpu_s;
    Ok(Load {
        streams,
        latency_median_ms: at(0.5),
        latency_p99_ms: at(0.99),
        gaps,
        cpu_percent: 100.0 * cpu_s / f64::from(STREAMS_S),
    })
}

/// A WAV file of 16-bit samples: a tone with vibrato, a different one in every channel.
fn write_sound(path: &Path, channels: u16, seconds: u32) -> anyhow::Result<()> {
    let bytes = seconds * RATE_HZ * u32::from(channels) * 2;
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    file.write_all(b"RIFF")?;
    file.write_all(&(36 + bytes).to_le_bytes())?;
    file.write_all(b"WAVEfmt ")?;
    file.write_all(&16u32.to_le_bytes())?;
    file.write_all(&1u16.to_le_bytes())?;
    file.write_all(&channels.to_le_bytes())?;
    file.write_all(&RATE_HZ.to_le_bytes())?;
    file.write_all(&(RATE_HZ * u32::from(channels) * 2).to_le_bytes())?;
    file.write_all(&(channels * 2).to_le_bytes())?;
    file.write_all(&16u16.to_le_bytes())?;
    file.write_all(b"data")?;
    file.write_all(&bytes.to_le_bytes())?;
    for n in 0..seconds * RATE_HZ {
        let t = f64::from(n) / f64::from(RATE_HZ);
        let vibrato = 0.3 * (std::f64::consts::TAU * 5.5 * t).sin();
        for channel in 0..channels {
            let pitch = 220.0 + 10.0 * f64::from(channel % 32);
            let sample = (std::f64::consts::TAU * pitch * t + vibrato).sin();
            file.write_all(&((sample * 8000.0) as i16).to_le_bytes())?;
        }
    }
    Ok(file.flush()?)
}

/// What the ended children of this process have used.
struct Usage {
    cpu_s: f64,
    /// Of the largest child.
    memory_mb: f64,
}

impl Usage {
    fn of_children() -> Self {
        // SAFETY: the structure is plain numbers, and the call only writes to it.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
            usage
        };
        let duration = |time: libc::timeval| {
            Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000).as_secs_f64()
        };
        // In bytes on macOS, in kibibytes elsewhere.
        let unit = if cfg!(target_os = "macos") {
            1.0
        } else {
            1024.0
        };
        Self {
            cpu_s: duration(usage.ru_utime) + duration(usage.ru_stime),
            memory_mb: usage.ru_maxrss as f64 * unit / 1e6,
        }
    }
}
