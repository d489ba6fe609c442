//! Capture in a process of its own.
//!
//! A sound library may hang for good, above all when its server dies, and leave threads, file handles and memory
//! behind. In a process of its own it leaves nothing: the process is ended and another one started, as often as need be.
//! There is never more than one for each source.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use vocald_client::message::{StateChange, StreamState};

use super::helper_log::HelperLog;
use super::selection::InputDevice;
use super::wire::{self, Record, Records};
use crate::audio::ring::{RingWriter, ring};
use crate::audio::{
    Health, RingReader, Source, SourceEvent, SourceOptions, SourceSpec, StopFlag, spawn,
};
use crate::real_time::{self, Stage};

/// Interval at which the stop flag is checked.
const POLL: Duration = Duration::from_millis(20);
/// A process that writes nothing for longer than the time until a device is reopened, and this, hangs. One that looks
/// for a device reports every 5 s.
const HANGS_AFTER: Duration = Duration::from_secs(10);
/// Waits before another process is started.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// A process that delivered sound for so long resets the wait to the first one.
const GOOD_AFTER: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 64 * 1024;

/// A device that another process captures.
pub(in crate::audio) struct HelperSource {
    program: PathBuf,
    device: String,
    options: SourceOptions,
}

impl HelperSource {
    /// `program` is run with the arguments `capture-helper …`.
    pub fn new(program: &Path, choice: InputDevice, options: &SourceOptions) -> Self {
        Self {
            program: program.into(),
            device: SourceSpec::Device(choice).to_string(),
            options: options.clone(),
        }
    }

    fn command(&self) -> Command {
        let options = &self.options;
        let mut command = Command::new(&self.program);
        command.args(["--quiet", "capture-helper", &self.device]);
        for (option, value) in [
            ("--rate", options.device_rate_hz),
            ("--channels", options.device_channels.map(u32::from)),
            ("--period", options.device_period_frames),
            (
                "--reopen-ms",
                u32::try_from(options.reopen_after.as_millis()).ok(),
            ),
        ] {
            if let Some(value) = value {
                command.arg(option).arg(value.to_string());
            }
        }
        // Ctrl-C is for the daemon, which ends the process in order.
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Source for HelperSource {
    fn label(&self) -> String {
        self.device.clone()
    }

    fn run(self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag) {
        let mut relay = Relay {
            events,
            health,
            stop,
            ring_s: self.options.ring_s,
            hangs_after: self.options.reopen_after + HANGS_AFTER,
            captured_before: false,
            log: HelperLog::default(),
        };
        real_time::request_or_log(Stage::Capture);
        let mut backoff = FIRST_BACKOFF;
        loop {
            let since = Instant::now();
            let reason = match relay.capture(&mut self.command()) {
                Ended::Stopped => break,
                Ended::Failed(reason) => {
                    let failed = StateChange::failed(reason);
                    let _ = relay.events.send(SourceEvent::State(failed));
                    return;
                }
                Ended::Lost(reason) => reason,
            };
            if since.elapsed() >= GOOD_AFTER {
                backoff = FIRST_BACKOFF;
            }
            let state = match relay.captured_before {
                true => StateChange::reconnecting(reason),
                false => StateChange::waiting(reason),
            };
            if !relay.send(SourceEvent::State(state)) || relay.stop.wait(backoff) {
                break;
            }
            backoff = (backoff * 2).min(LAST_BACKOFF);
        }
        let _ = relay
            .events
            .send(SourceEvent::State(StateChange::ended(None)));
    }
}

/// How a process came to its end.
enum Ended {
    /// The stop flag is set, or the receiver of events is gone.
    Stopped,
    /// The device cannot be captured as requested.
    Failed(String),
    /// The device or the process is lost.
    Lost(String),
}

/// Turns the records of one process after the other into events and blocks.
struct Relay {
    events: Sender<SourceEvent>,
    health: Arc<Health>,
    stop: StopFlag,
    ring_s: f64,
    hangs_after: Duration,
    captured_before: bool,
    log: HelperLog,
}

impl Relay {
    fn send(&self, event: SourceEvent) -> bool {
        self.events.send(event).is_ok()
    }

    /// Runs a process to its end.
    fn capture(&mut self, command: &mut Command) -> Ended {
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(e) => return Ended::Lost(format!("no process can be started to capture it: {e}")),
        };
        let mut printed = child.stderr.take();
        // Without waiting, or not at all.
        printed = printed.filter(|printed| ioctl_fionbio(printed, true).is_ok());
        let ended = match child.stdout.take() {
            Some(stdout) => self.relay(stdout, &mut printed),
            None => Ended::Lost("the capture process has no output".into()),
        };
        self.end(child);
        if let Some(printed) = &mut printed {
            self.log.follow(printed);
        }
        ended
    }

    /// Ends a process, and waits for that: two would hold the device against each other.
    fn end(&self, mut child: Child) {
        let _ = child.kill();
        let mut logged = false;
        let since = Instant::now();
        while let Ok(None) = child.try_wait() {
            // In a driver, even a process that is killed may hang.
            if since.elapsed() >= HANGS_AFTER && !std::mem::replace(&mut logged, true) {
                tracing::error!("the capture process hangs in the system and cannot be ended");
            }
            if self.stop.wait(POLL) && since.elapsed() >= 10 * POLL {
                return;
            }
        }
    }

    fn relay(&mut self, mut stdout: ChildStdout, printed: &mut Option<ChildStderr>) -> Ended {
        let mut records = Records::default();
        let mut buffer = vec![0; READ_BYTES];
        let mut writer: Option<RingWriter> = None;
        let mut xruns_before = 0;
        let mut quiet_since = Instant::now();
        loop {
            if self.stop.is_stopped() {
                return Ended::Stopped;
            }
            if let Some(printed) = printed {
                self.log.follow(printed);
            }
            if !readable(&stdout) {
                if quiet_since.elapsed() >= self.hangs_after {
                    return Ended::Lost("the sound system hangs".into());
                }
                continue;
            }
            quiet_since = Instant::now();
            match stdout.read(&mut buffer) {
                Ok(0) => return Ended::Lost("the capture process has ended".into()),
                Ok(count) => records.push(&buffer[..count]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Ended::Lost(format!("the capture process cannot be read: {e}")),
            }
            loop {
                match records.next() {
                    Ok(None) => break,
                    Err(damage) => return Ended::Lost(format!("the capture process: {damage}")),
                    Ok(Some(Record::Started(format))) => {
                        if std::mem::replace(&mut self.captured_before, true) {
                            self.health.on_reconnect();
                        }
                        let (new, reader) = ring(format, self.ring_s);
                        writer = Some(new);
                        if !self.send(SourceEvent::Started { format, reader }) {
                            return Ended::Stopped;
                        }
                    }
                    Ok(Some(Record::Block {
                        block,
                        samples,
                        xruns,
                    })) => {
                        (xruns_before..xruns).for_each(|_| self.health.on_xrun());
                        xruns_before = xruns;
                        // The pipe and the ring of the process wait meanwhile.
                        if let Some(writer) = &mut writer {
                            if block.lost_before_frames > 0 {
                                self.health.on_block(block.lost_before_frames, false);
                                writer.add_lost(block.lost_before_frames);
                            }
                            if !writer.write_blocking(&samples, block.captured, &self.stop) {
                                return Ended::Stopped;
                            }
                            self.health.on_block(block.frames, true);
                        }
                    }
                    Ok(Some(Record::State(change))) => {
                        let reason = change.reason.unwrap_or_default();
                        match change.state {
                            StreamState::Failed => return Ended::Failed(reason),
                            StreamState::Waiting if !self.captured_before => {
                                let waiting = StateChange::waiting(reason);
                                if !self.send(SourceEvent::State(waiting)) {
                                    return Ended::Stopped;
                                }
                            }
                            StreamState::Waiting => {
                                let away = StateChange::reconnecting(reason);
                                if !self.send(SourceEvent::State(away)) {
                                    return Ended::Stopped;
                                }
                            }
                            _ => return Ended::Lost(reason),
                        }
                    }
                }
            }
        }
    }
}

/// Waits a moment until there is something to read.
fn readable(pipe: &ChildStdout) -> bool {
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(POLL.subsec_nanos()) as _,
    };
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    poll(&mut fds, Some(&timeout)).is_ok_and(|ready| ready > 0)
}

/// The capture process: captures `spec` and writes its records to standard output, until the device is lost or the other
/// end is gone. The caller then ends the process without closing the device, which may hang.
///
/// # Errors
/// When the source cannot be started or standard output cannot be written.
pub fn serve(spec: &SourceSpec, options: &SourceOptions) -> io::Result<()> {
    // A refusal is logged by the daemon.
    let _ = real_time::request(Stage::Capture);
    let source = spec.open(options).map_err(io::Error::other)?;
    let source = spawn(source, StopFlag::new())?;
    let mut out = io::stdout().lock();
    let mut reader: Option<RingReader> = None;
    let mut samples = Vec::new();
    loop {
        let event = match &reader {
            Some(reader) if !reader.is_closed() => source.events.try_recv().ok(),
            _ => match source.events.recv() {
                Ok(event) => Some(event),
                Err(_) => return Ok(()),
            },
        };
        match event {
            None => {}
            Some(SourceEvent::Started {
                format,
                reader: new,
            }) => {
                reader = Some(new);
                wire::write(&mut out, &Record::Started(format))?;
            }
            Some(SourceEvent::State(change)) => {
                wire::write(&mut out, &Record::State(change.clone()))?;
                if change.state != StreamState::Waiting {
                    return out.flush();
                }
            }
        }
        let block = reader
            .as_mut()
            .and_then(|reader| reader.read_timeout(&mut samples, POLL));
        if let Some(block) = block {
            let record = Record::Block {
                block,
                samples: std::mem::take(&mut samples),
                xruns: source.health.snapshot().xruns,
            };
            wire::write(&mut out, &record)?;
        }
        out.flush()?;
    }
}
