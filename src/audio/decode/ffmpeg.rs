//! Everything else, by an installed `ffmpeg`: one process lists the tracks of a file, and another one decodes it, whose
//! sound comes through a pipe.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::SoundReader;
use super::containers::several_tracks;
use super::failure::Failure;
use super::ffmpeg_tracks::AudioTracks;
use super::input::Input;
use super::wave::{self, Dialect};
use crate::audio::AudioFormat;

/// The program, which is searched on the `PATH`.
const PROGRAM: &str = "ffmpeg";
/// Sample rates to which it converts all others.
const RATES_HZ: &str = "aformat=sample_rates=8000|11025|12000|16000|22050|24000|32000|44100|48000|64000|88200|96000|176400|192000";
/// What ffmpeg may use.
const LIMITS: Limits = Limits {
    silent: Duration::from_secs(60),
    memory_bytes: 2 << 30,
};
/// Bytes of its messages that are kept.
const MAX_MESSAGE_BYTES: u64 = 4096;
/// Bytes that it may allocate at once.
const MAX_ALLOCATION: &str = "268435456";

/// What the process may use before it is ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Time without output.
    silent: Duration,
    /// Memory, on Linux.
    memory_bytes: u64,
}

/// A file that ffmpeg decodes to WAV.
pub(super) struct Ffmpeg {
    sound: Box<dyn SoundReader>,
    process: Process,
    problems: Vec<String>,
    note: Option<String>,
}

/// The process; ended when it is dropped.
pub(super) struct Process {
    child: Child,
    messages: Option<JoinHandle<Vec<u8>>>,
}

impl Ffmpeg {
    /// Starts to decode the audio track of `path` that players choose.
    ///
    /// # Errors
    /// When there is no ffmpeg, or it gives no sound.
    pub fn start(path: &Path) -> Result<Self, Failure> {
        Self::start_program(PROGRAM.as_ref(), path, LIMITS)
    }

    fn start_program(program: &Path, path: &Path, limits: Limits) -> Result<Self, Failure> {
        let tracks = AudioTracks::of(program, path, limits);
        if tracks.are_silent() {
            return Err(Failure::broken("it holds no audio track"));
        }
        let track = tracks.chosen();
        let track = track.map_or_else(|| "0:a:0".into(), |place| format!("0:{place}"));
        let output = ["-map", &track, "-map_metadata", "-1", "-af", RATES_HZ];
        let wav = ["-c:a", "pcm_f32le", "-f", "wav", "-bitexact", "pipe:1"];
        let output = [&["-loglevel", "error"], &output[..], &wav].concat();
        let (mut process, sound, messages) = Process::start(program, path, &output, limits)?;
        process.keep_messages(messages)?;
        match wave::open(Input::stream(sound), Dialect::Riff) {
            Ok(sound) => Ok(Self {
                sound,
                process,
                problems: Vec::new(),
                note: several_tracks(tracks.count(), tracks.default_number()),
            }),
            Err(Failure::Io(e)) => Err(e.into()),
            Err(_) => Err(Failure::broken(process.end().map_or_else(
                || "ffmpeg finds no sound in it".into(),
                |message| format!("ffmpeg reports: {message}"),
            ))),
        }
    }

    /// A sentence about tracks that are not read.
    pub fn note(&self) -> Option<String> {
        self.note.clone()
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
    /// Starts to read `path`; the process with its standard output and standard error.
    ///
    /// # Errors
    /// When there is no ffmpeg, or it cannot be started.
    pub fn start(
        program: &Path,
        path: &Path,
        output: &[&str],
        limits: Limits,
    ) -> Result<(Self, Timed<ChildStdout>, Timed<ChildStderr>), Failure> {
        // Never taken for an option or another protocol.
        let mut file = std::ffi::OsString::from("file:");
        file.push(path);
        let child = Command::new(program)
            .args(["-nostdin", "-hide_banner", "-threads", "1"])
            .args(["-max_alloc", MAX_ALLOCATION])
            .args(["-protocol_whitelist", "file,pipe", "-i"])
            .arg(file)
            .args(output)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Failure::NeedsFfmpeg(String::new()),
            _ => Failure::broken(format!("ffmpeg cannot be started: {e}")),
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let process = Self {
            child,
            messages: None,
        };
        process.limit_memory(limits.memory_bytes);
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(Failure::broken("ffmpeg has no output"));
        };
        let (stdout, stderr) = (Timed(stdout, limits.silent), Timed(stderr, limits.silent));
        Ok((process, stdout, stderr))
    }

    /// Reads messages as they come.
    fn keep_messages(&mut self, messages: Timed<ChildStderr>) -> io::Result<()> {
        let thread = std::thread::Builder::new().name("ffmpeg messages".into());
        self.messages = Some(thread.spawn(move || first_bytes(messages.0))?);
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn limit_memory(&self, bytes: u64) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let limit = Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        };
        if let Err(e) = prlimit(Some(Pid::from_child(&self.child)), Resource::Data, limit) {
            tracing::debug!("the memory of ffmpeg is not limited: {e}");
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn limit_memory(&self, _: u64) {}

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

/// A pipe with a limit to the time between two reads.
pub(super) struct Timed<P>(P, Duration);

impl<P: Read + AsFd> Read for Timed<P> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let limit = Timespec {
            tv_sec: self.1.as_secs().cast_signed(),
            tv_nsec: self.1.subsec_nanos().into(),
        };
        let mut pipe = [PollFd::new(&self.0, PollFlags::IN)];
        if poll(&mut pipe, Some(&limit))? == 0 {
            let reason = format!(
                "ffmpeg gave no sound for {} s and was ended",
                self.1.as_secs()
            );
            return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
        }
        self.0.read(bytes)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// The failure of a program in place of ffmpeg.
    fn failure(script: &str, limits: Limits) -> Result<String, io::Error> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join("ffmpeg");
        fs::write(&program, format!("#!/bin/sh\n{script}\n"))?;
        fs::set_permissions(&program, Permissions::from_mode(0o755))?;
        loop {
            let result = Ffmpeg::start_program(&program, Path::new("x"), limits);
            let failure = result.err().map_or_else(String::new, |e| e.to_string());
            // Another thread has just forked, and holds the file open.
            if !failure.contains("Text file busy") {
                return Ok(failure);
            }
        }
    }

    #[test]
    fn an_ffmpeg_that_gives_nothing_is_ended() -> Result<(), io::Error> {
        let silent = Duration::from_secs(1);
        let failure = failure("exec sleep 600", Limits { silent, ..LIMITS })?;
        assert_eq!(failure, "ffmpeg gave no sound for 1 s and was ended");
        Ok(())
    }

    #[test]
    fn an_ffmpeg_that_fills_memory_is_ended() -> Result<(), io::Error> {
        let limits = Limits {
            memory_bytes: 64 << 20,
            ..LIMITS
        };
        // A line without an end.
        let failure = failure("sleep 1; exec sort /dev/zero", limits)?;
        assert!(failure.contains("memory exhausted"), "{failure}");
        Ok(())
    }
}
