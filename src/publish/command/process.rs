//! One run of a command: what it prints goes to the log within limits, and it ends with all that it started.
//!
//! A process belongs to a run if it is in the process group of the command, or if its environment holds the run's mark;
//! that covers children in sessions of their own (`setsid`, `nohup`, daemons). Only a process that leaves the group
//! and also clears its environment stays. Where there is no `/proc`, only the process group is ended.

use std::fs;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use vocald_client::Message;

use crate::publish::command::output::OutputLog;
use crate::publish::hub::Published;

/// Time between checks of a running command.
const POLL: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};
/// The variable that marks the processes of a run.
const MARK: &str = "VOCALD_HOOK";
/// Bytes that are read of a command's output between two checks of its time limit.
const READ_BYTES: usize = 64 * 1024;
/// Rounds in which processes are looked for and killed: a process may start another in between.
const KILL_ROUNDS: usize = 20;

/// A command that runs, or the processes that it left when it ended.
pub struct Run {
    child: Child,
    mark: String,
    output: PipeReader,
    output_open: bool,
    ends_by: Instant,
}

impl Run {
    /// Starts a command. `number` is different for each run of this process.
    pub fn start(
        program: &str,
        arguments: &[String],
        event: &Published,
        number: u64,
        ends_by: Instant,
    ) -> io::Result<Self> {
        let own = format!("{}-{number}", std::process::id());
        // A daemon may itself be the command of another one.
        let mark = match std::env::var(MARK) {
            Ok(outer) => format!("{outer}/{own}"),
            Err(_) => own,
        };
        let (output, write) = io::pipe()?;
        rustix::io::ioctl_fionbio(&output, true)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment(&event.message))
            .env(MARK, &mark)
            // The secrets stay in this process.
            .env_remove("VOCALD_TOKEN")
            .env_remove("VOCALD_MQTT_PASSWORD")
            // The connection to the service manager is the daemon's.
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            .stdin(Stdio::piped())
            .stdout(write.try_clone()?)
            .stderr(write);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // Shorter than the buffer of a pipe, so this never blocks. The command need not read it.
            let _ = writeln!(stdin, "{}", event.json());
        }
        Ok(Self {
            child,
            mark,
            output,
            output_open: true,
            ends_by,
        })
    }

    /// Waits for the command; `None` if it was killed, at its time limit or when `ended` says so.
    pub fn wait(
        &mut self,
        log: &mut OutputLog,
        ended: impl Fn() -> bool,
    ) -> io::Result<Option<ExitStatus>> {
        loop {
            self.read(log);
            if let Some(status) = self.child.try_wait()? {
                self.read(log);
                return Ok(Some(status));
            }
            if ended() || self.is_over() {
                self.kill();
                self.child.wait()?;
                return Ok(None);
            }
            let mut ends = [PollFd::new(&self.output, PollFlags::IN)];
            let ends = if self.output_open {
                &mut ends[..]
            } else {
                &mut []
            };
            let _ = rustix::event::poll(ends, Some(&POLL));
        }
    }

    /// Whether the time limit has passed.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.ends_by
    }

    /// Whether a process that it started is left.
    pub fn is_left(&self) -> bool {
        !self.marked().is_empty()
    }

    /// Passes on what it printed since the last call, a limited amount of it.
    pub fn read(&mut self, log: &mut OutputLog) {
        let mut bytes = [0; READ_BYTES];
        match self.output.read(&mut bytes) {
            Ok(0) => self.output_open = false,
            Ok(count) => log.push(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.output_open = false,
        }
    }

    /// Kills the command and all that it started.
    pub fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        }
        for _ in 0..KILL_ROUNDS {
            let marked = self.marked();
            if marked.is_empty() {
                return;
            }
            for process in marked {
                let _ = kill_process(process, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The processes that have the run's mark, without those that are dead and not yet waited for.
    fn marked(&self) -> Vec<Pid> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let marked = |entry: fs::DirEntry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            // The environment of a dead process is empty.
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let is_marked = environment.split(|&byte| byte == 0).any(|pair| {
                let value = pair.strip_prefix(MARK.as_bytes());
                let value = value.and_then(|value| value.strip_prefix(b"="));
                let rest = value.and_then(|value| value.strip_prefix(self.mark.as_bytes()));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            });
            is_marked.then(|| Pid::from_raw(pid)).flatten()
        };
        processes.filter_map(marked).collect()
    }
}

fn environment(message: &Message) -> Vec<(&'static str, String)> {
    let (kind, stream, id, t, p, duration) = match message {
        Message::Onset(m) => ("onset", &m.stream, m.id, m.t, m.p, None),
        Message::Offset(m) => ("offset", &m.stream, m.id, m.t, m.p, Some(m.duration)),
        _ => return Vec::new(),
    };
    let mut variables = vec![
        ("VOCALD_TYPE", kind.into()),
        ("VOCALD_STREAM", stream.clone()),
        ("VOCALD_ID", id.to_string()),
        ("VOCALD_T", t.to_string()),
        ("VOCALD_P", p.to_string()),
    ];
    variables.extend(duration.map(|duration| ("VOCALD_DURATION", duration.to_string())));
    variables
}
