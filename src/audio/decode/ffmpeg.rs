//! Everything else, by an installed `ffmpeg`: one process per file, whose sound comes through a
//! pipe.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::SoundReader;
use super::failure::Failure;
use super::input::Input;
use super::wave::{self, Dialect};
use crate::audio::AudioFormat;

/// The program, which is searched on the `PATH`.
const PROGRAM: &str = "ffmpeg";
/// Sample rates to which it converts all others.
const RATES_HZ: &str = "aformat=sample_rates=8000|11025|12000|16000|22050|24000|32000|44100|48000|64000|88200|96000|176400|192000";
/// ffmpeg is ended when it gives no sound for so long, in seconds.
const MAX_SILENT_S: i64 = 60;
/// Bytes of its messages that are kept.
const MAX_MESSAGE_BYTES: u64 = 4096;
/// Bytes that it may allocate at once.
const MAX_ALLOCATION: &str = "268435456";
/// Bytes of memory that it may use.
#[cfg(target_os = "linux")]
const MAX_MEMORY_BYTES: u64 = 2 << 30;

/// A file that ffmpeg decodes to WAV.
pub(super) struct Ffmpeg {
    sound: Box<dyn SoundReader>,
    process: Process,
    problems: Vec<String>,
}

/// The process; ended when it is dropped.
struct Process {
    child: Child,
    messages: Option<JoinHandle<Vec<u8>>>,
}

impl Ffmpeg {
    /// Starts to decode the first audio stream of `path`.
    ///
    /// # Errors
    /// When there is no ffmpeg, or it gives no sound.
    pub fn start(path: &Path) -> Result<Self, Failure> {
        // Never taken for an option or another protocol.
        let mut file = std::ffi::OsString::from("file:");
        file.push(path);
        let child = Command::new(PROGRAM)
            .args([
                "-nostdin",
                "-hide_banner",
                "-loglevel",
                "error",
                "-threads",
                "1",
            ])
            .args([
                "-max_alloc",
                MAX_ALLOCATION,
                "-protocol_whitelist",
                "file,pipe",
            ])
            .arg("-i")
            .arg(file)
            .args([
                "-map",
                "0:a:0",
                "-map_metadata",
                "-1",
                "-af",
                RATES_HZ,
                "-c:a",
                "pcm_f32le",
            ])
            .args(["-f", "wav", "-bitexact", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Failure::NeedsFfmpeg(String::new()),
            _ => Failure::broken(format!("ffmpeg cannot be started: {e}")),
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut process = Process {
            child,
            messages: None,
        };
        process.limit_memory();
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(Failure::broken("ffmpeg has no output"));
        };
        let thread = std::thread::Builder::new().name("ffmpeg messages".into());
        process.messages = Some(thread.spawn(move || first_bytes(stderr))?);
        match wave::open(Input::stream(Output(stdout)), Dialect::Riff) {
            Ok(sound) => Ok(Self {
                sound,
                process,
                problems: Vec::new(),
            }),
            Err(Failure::Io(e)) => Err(e.into()),
            Err(_) => Err(Failure::broken(process.end().map_or_else(
                || "ffmpeg finds no sound in it".into(),
                |message| format!("ffmpeg reports: {message}"),
            ))),
        }
    }
}

impl SoundReader for Ffmpeg {
    fn next_block(&mut self, block: &mut Vec<f32>) -> Result<Option<AudioFormat>, Failure> {
        let format = self.sound.next_block(block)?;
        if format.is_none() {
            let message = self.process.end();
            self.problems = message
                .map(|message| format!("ffmpeg reports: {message}"))
                .into_iter()
                .collect();
        }
        Ok(format)
    }

    fn stated_frames(&self) -> Option<u64> {
        None
    }

    fn damage(&self) -> Vec<String> {
        self.problems.clone()
    }
}

impl Process {
    #[cfg(target_os = "linux")]
    fn limit_memory(&self) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let limit = Rlimit {
            current: Some(MAX_MEMORY_BYTES),
            maximum: Some(MAX_MEMORY_BYTES),
        };
        if let Err(e) = prlimit(Some(Pid::from_child(&self.child)), Resource::Data, limit) {
            tracing::debug!("the memory of ffmpeg is not limited: {e}");
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn limit_memory(&self) {}

    /// Ends the process, whose output was read to its end; its first message, if any.
    fn end(&mut self) -> Option<String> {
        let status = self.child.wait();
        let messages = self.messages.take().and_then(|thread| thread.join().ok());
        let messages = String::from_utf8_lossy(&messages.unwrap_or_default()).into_owned();
        let failed = || match status {
            Ok(status) if status.success() => None,
            Ok(status) => Some(status.to_string()),
            Err(e) => Some(e.to_string()),
        };
        first_message(&messages).or_else(failed)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line, without the names of ffmpeg's parts and of the file.
fn first_message(messages: &str) -> Option<String> {
    let line = messages.lines().find(|line| !line.trim().is_empty())?;
    let line = match line.split_once("] ") {
        Some((part, rest)) if part.starts_with('[') => rest,
        _ => line,
    };
    let line = match line.rsplit_once(": ") {
        Some((file, rest)) if file.starts_with("file:") || file.starts_with("Error opening") => {
            rest
        }
        _ => line,
    };
    Some(line.trim().to_owned())
}

/// Reads all and keeps the beginning.
fn first_bytes(mut stderr: ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let read = stderr
        .by_ref()
        .take(MAX_MESSAGE_BYTES)
        .read_to_end(&mut kept);
    if read.is_ok() {
        let _ = io::copy(&mut stderr, &mut io::sink());
    }
    kept
}

/// The sound, with a limit to the time between two reads.
struct Output(ChildStdout);

impl Read for Output {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let limit = Timespec {
            tv_sec: MAX_SILENT_S,
            tv_nsec: 0,
        };
        let mut pipe = [PollFd::new(&self.0, PollFlags::IN)];
        if poll(&mut pipe, Some(&limit))? == 0 {
            let reason = format!("ffmpeg gave no sound for {MAX_SILENT_S} s and was ended");
            return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
        }
        self.0.read(bytes)
    }
}
