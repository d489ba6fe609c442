//! A run of this program that is measured: its messages, its processor time, and why it failed.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _};
use std::process::{self, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use vocald_client::Message;

/// A started program. Dropped, it is killed.
pub struct Child {
    /// The program and its command, as `vocald run`.
    name: String,
    child: process::Child,
    out: BufReader<ChildStdout>,
    errors: File,
}

impl Child {
    /// Starts `command`, whose first argument is a command of vocald.
    pub fn start(mut command: Command) -> anyhow::Result<Self> {
        let subcommand = command.get_args().next().unwrap_or_default();
        let name = format!("vocald {}", subcommand.to_string_lossy());
        // A file, since nobody reads a pipe meanwhile.
        let errors = tempfile::tempfile()?;
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(errors.try_clone()?).spawn()?;
        let out = child.stdout.take().context("a child without output")?;
        Ok(Self {
            name,
            child,
            out: BufReader::new(out),
            errors,
        })
    }

    /// What it publishes on standard output, until it ends.
    pub fn messages(&mut self) -> impl Iterator<Item = anyhow::Result<Message>> {
        let lines = self.out.by_ref().lines();
        lines.map(|line| {
            let line = line?;
            let message = serde_json::from_str(&line);
            message.with_context(|| format!("vocald printed what is no message: {line}"))
        })
    }

    /// The clock of the processor time that it has used.
    pub fn cpu_clock(&self) -> io::Result<CpuClock> {
        let mut id = 0;
        // SAFETY: the call only writes to the number.
        match unsafe { libc::clock_getcpuclockid(self.child.id().cast_signed(), &raw mut id) } {
            0 => Ok(CpuClock(id)),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// It failed: with the last line of its standard error.
    pub fn end(mut self) -> anyhow::Result<()> {
        io::copy(&mut self.out, &mut io::sink())?;
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let mut errors = Vec::new();
        self.errors.rewind()?;
        self.errors.read_to_end(&mut errors)?;
        let errors = String::from_utf8_lossy(&errors);
        let last = errors.lines().rev().find(|line| !line.trim().is_empty());
        let reason = last.map_or(status.to_string(), |line| {
            line.trim_start_matches("vocald: ").into()
        });
        bail!("{} failed: {reason}", self.name)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only after its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Counts the processor time of a program, of all its threads.
#[derive(Debug, Clone, Copy)]
pub struct CpuClock(libc::clockid_t);

impl CpuClock {
    pub fn now(self) -> io::Result<Duration> {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the call only writes to the structure.
        match unsafe { libc::clock_gettime(self.0, &raw mut time) } {
            0 => Ok(Duration::new(
                time.tv_sec.cast_unsigned(),
                u32::try_from(time.tv_nsec).unwrap_or(0),
            )),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// What the ended children of this process have used.
pub struct Usage {
    pub cpu_s: f64,
    /// Of the largest child.
    pub peak_memory_mb: f64,
}

impl Usage {
    pub fn of_children() -> Self {
        // SAFETY: the structure is plain numbers, and the call only writes to it.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
            usage
        };
        let duration = |time: libc::timeval| {
            Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000).as_secs_f64()
        };
        Self {
            cpu_s: duration(usage.ru_utime) + duration(usage.ru_stime),
            // In kibibytes.
            peak_memory_mb: usage.ru_maxrss as f64 * 1024.0 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Child::start(command).unwrap()
    }

    #[test]
    fn a_failure_has_the_last_line_of_standard_error() {
        let script = "seq 100000; echo a warning >&2; echo 'vocald: no such model' >&2; exit 2";
        let error = shell(script).end().unwrap_err();
        assert_eq!(error.to_string(), "vocald -c failed: no such model");
        let error = shell("exit 2").end().unwrap_err();
        assert!(error.to_string().ends_with("exit status: 2"), "{error}");
        shell("echo a warning >&2").end().unwrap();
    }

    /// Messages that are read late come from a program that has ended.
    #[test]
    fn processor_time_is_counted_beyond_the_end_of_the_program() {
        let mut child = shell("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");
        let clock = child.cpu_clock().unwrap();
        child.out.read_to_end(&mut Vec::new()).unwrap();
        let used = clock.now().unwrap();
        assert!(used > Duration::from_micros(100), "{used:?}");
    }
}
