//! The command sink: runs a program at each onset and offset, one at a time.
//!
//! The event is in the program's environment and, as JSON, on its standard input. When too many events wait, the
//! oldest are skipped.

use std::io::{self, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use vocald_client::Message;

use crate::config::CommandConfig;
use crate::publish::hub::{Published, Sink};

/// Time between checks of a running command.
const POLL: Duration = Duration::from_millis(10);
/// Time for the remaining commands at the end of the run: enough for the last offset, without delaying the end.
const END_PATIENCE: Duration = Duration::from_millis(1500);

/// The sink, and the thread that runs the commands.
pub struct Commands {
    config: CommandConfig,
    /// `None` at the end of the run.
    due: Option<Sender<Arc<Published>>>,
    /// The thread's end of the queue, to drop the oldest event.
    waiting: Receiver<Arc<Published>>,
    skipped: u64,
    end_by: Arc<OnceLock<Instant>>,
    worker: Option<JoinHandle<()>>,
}

impl Commands {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(config: &CommandConfig) -> io::Result<Self> {
        let (due, waiting) = crossbeam_channel::bounded(config.queue_events.max(1));
        let end_by = Arc::new(OnceLock::new());
        let worker = std::thread::Builder::new().name("commands".into()).spawn({
            let (config, waiting, end_by) = (config.clone(), waiting.clone(), end_by.clone());
            move || work(&config, &waiting, &end_by)
        })?;
        Ok(Self {
            config: config.clone(),
            due: Some(due),
            waiting,
            skipped: 0,
            end_by,
            worker: Some(worker),
        })
    }

    fn push(&mut self, mut event: Arc<Published>) {
        let Some(due) = &self.due else { return };
        // Only this thread adds events, so there is room once one is taken out.
        while let Err(TrySendError::Full(back)) = due.try_send(event) {
            event = back;
            if self.waiting.try_recv().is_ok() {
                self.skipped += 1;
                tracing::warn!(
                    "commands are slower than onsets and offsets: {} skipped",
                    self.skipped
                );
            }
        }
    }
}

impl Sink for Commands {
    fn name(&self) -> String {
        "commands".into()
    }

    /// Never an error: the failure of a command is logged.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        for message in messages {
            if command_line(&self.config, &message.message).is_some() {
                self.push(Arc::clone(message));
            }
        }
        Ok(())
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        let _ = self.end_by.set(Instant::now() + END_PATIENCE);
        self.due = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// Program and arguments for `message`, if there are any.
fn command_line<'a>(
    config: &'a CommandConfig,
    message: &Message,
) -> Option<(&'a String, &'a [String])> {
    match message {
        Message::Onset(_) => config.onset.split_first(),
        Message::Offset(_) => config.offset.split_first(),
        _ => None,
    }
}

fn work(config: &CommandConfig, waiting: &Receiver<Arc<Published>>, end_by: &OnceLock<Instant>) {
    let time_limit = Duration::from_secs_f64(config.time_limit_s);
    for event in waiting {
        let Some((program, arguments)) = command_line(config, &event.message) else {
            continue;
        };
        if end_by.get().is_some_and(|&end| Instant::now() >= end) {
            tracing::warn!("{program}: skipped at the end of the run");
            continue;
        }
        let started = Instant::now();
        let status = start(program, arguments, &event).and_then(|mut child| {
            loop {
                if let Some(status) = child.try_wait()? {
                    return Ok(Some(status));
                }
                let ended = end_by.get().is_some_and(|&end| Instant::now() >= end);
                if ended || started.elapsed() >= time_limit {
                    kill_all(&mut child)?;
                    child.wait()?;
                    return Ok(None);
                }
                std::thread::sleep(POLL);
            }
        });
        match status {
            Ok(Some(status)) if status.success() => {}
            Ok(Some(status)) => tracing::warn!("{program}: {status}"),
            Ok(None) => tracing::warn!(
                "{program}: killed after {:.1} s",
                started.elapsed().as_secs_f64()
            ),
            Err(error) => tracing::warn!("{program} cannot be run: {error}"),
        }
    }
}

fn start(program: &str, arguments: &[String], event: &Published) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(environment(&event.message))
        // The secrets stay in this process.
        .env_remove("VOCALD_TOKEN")
        .env_remove("VOCALD_MQTT_PASSWORD")
        // The connection to the service manager is the daemon's.
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("WATCHDOG_PID")
        .stdin(Stdio::piped())
        // Standard output is reserved for messages.
        .stdout(io::stderr());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Shorter than the buffer of a pipe, so this never blocks. The command need not read it.
        let _ = writeln!(stdin, "{}", event.json());
    }
    Ok(child)
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

/// Kills the command and its process group.
fn kill_all(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process_group};
    kill_process_group(Pid::from_child(child), Signal::KILL).map_err(io::Error::from)
}
