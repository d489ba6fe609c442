//! The command sink: runs a program at each onset and offset, one at a time.
//!
//! The event is in the program's environment and, as JSON, on its standard input. When too many events wait, the
//! oldest are skipped. What a command leaves running has the same time limit as the command.

mod output;
mod process;

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use vocald_client::Message;

use crate::config::CommandConfig;
use crate::publish::hub::{Published, Sink};
use crate::publish::restarted_thread::RestartedThread;
use output::OutputLog;
use process::Run;

/// Time between checks of what commands left running.
const LEFT_CHECK: Duration = Duration::from_millis(500);
/// Commands that may have processes left.
const LEFT_MAX: usize = 64;
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
    worker: RestartedThread,
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
        let worker = RestartedThread::start("commands", {
            let (config, waiting, end_by) = (config.clone(), waiting.clone(), end_by.clone());
            move || work(&config, &waiting, &end_by)
        })?;
        Ok(Self {
            config: config.clone(),
            due: Some(due),
            waiting,
            skipped: 0,
            end_by,
            worker,
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

    /// The failure of a command is logged. An error if the thread panicked again and again.
    fn deliver(&mut self, messages: &[Arc<Published>]) -> io::Result<()> {
        self.worker.check()?;
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
        self.worker.join();
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
    let ended = || end_by.get().is_some_and(|&end| Instant::now() >= end);
    let mut log = OutputLog::new();
    let mut left: Vec<Run> = Vec::new();
    for number in 0.. {
        let event = loop {
            match waiting.recv_timeout(LEFT_CHECK) {
                Ok(event) => break Some(event),
                Err(RecvTimeoutError::Timeout) => check(&mut left, &mut log),
                Err(RecvTimeoutError::Disconnected) => break None,
            }
        };
        let Some(event) = event else { break };
        let Some((program, arguments)) = command_line(config, &event.message) else {
            continue;
        };
        let what = description(program, &event.message);
        if ended() {
            tracing::warn!("{what}: skipped at the end of the run");
            continue;
        }
        log.begin(&what);
        let started = Instant::now();
        let run = Run::start(program, arguments, &event, number, started + time_limit);
        let status = run.and_then(|mut run| {
            let status = run.wait(&mut log, ended)?;
            if status.is_some() && run.is_left() {
                left.push(run);
            }
            Ok(status)
        });
        log.end();
        match status {
            Ok(Some(status)) if status.success() => {}
            Ok(Some(status)) => tracing::warn!("{what}: {status}"),
            Ok(None) => tracing::warn!(
                "{what}: killed after {:.1} s",
                started.elapsed().as_secs_f64()
            ),
            Err(error) => tracing::warn!("{what} cannot be run: {error}"),
        }
        check(&mut left, &mut log);
    }
    left.iter_mut().for_each(Run::kill);
}

/// Ends what commands left running, at their time limits. Beyond a number of them the oldest is ended at once.
fn check(left: &mut Vec<Run>, log: &mut OutputLog) {
    let many = left.len().saturating_sub(LEFT_MAX);
    for (place, run) in left.iter_mut().enumerate() {
        run.read(log);
        if run.is_over() || place < many {
            run.kill();
        }
    }
    left.retain(Run::is_left);
}

/// As `the onset command (sh) for hall/1`.
fn description(program: &str, message: &Message) -> String {
    let (kind, stream) = match message {
        Message::Onset(onset) => ("onset", onset.stream.as_str()),
        Message::Offset(offset) => ("offset", offset.stream.as_str()),
        _ => ("", ""),
    };
    format!("the {kind} command ({program}) for {stream}")
}
