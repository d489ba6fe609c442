//! Keeps a device captured: detects its loss, looks for it and opens it again.
//!
//! A lost device is a state, not an end. Opening and closing run on threads of their own, because
//! either may hang in a driver or a sound server while the supervisor must react to its stop flag.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use vocald_client::message::StateChange;

use super::format::choose_config;
use super::selection::{Identity, InputDevice, find, find_again};
use super::stream::{Capture, capture};
use crate::audio::alsa_stderr::log_alsa_messages;
use crate::audio::stall::STALLS_UNTIL_RECONNECT;
use crate::audio::{AudioError, Health, Source, SourceEvent, SourceOptions, StopFlag};

/// Interval at which the stream and the stop flag are checked.
const POLL: Duration = Duration::from_millis(20);
/// Waits between attempts, doubled each time: a replugged cable is back within the first, and a
/// device that stays away is looked for every 5 s.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// A stream that ran this long resets the wait to the first one.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// A stream that takes longer to close is abandoned with its threads: libpulse 16 deadlocks for
/// good when its server dies.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// The same limit once the source is stopped.
const CLOSE_AT_STOP: Duration = Duration::from_millis(500);
/// Most streams that are abandoned; further ones are waited for without limit.
const MAX_ABANDONED: u32 = 16;

/// A device that is captured from and looked up again whenever it is lost.
pub(in crate::audio) struct DeviceSource {
    choice: InputDevice,
    options: SourceOptions,
    identity: Identity,
}

/// Why a stream is no longer watched.
enum Outcome {
    /// The stop flag is set, or the receiver of events is gone.
    Stopped,
    /// The device is lost, for this reason.
    Lost(String),
}

impl Source for DeviceSource {
    fn label(&self) -> String {
        match &self.choice {
            InputDevice::Default => "the default device".into(),
            InputDevice::Named(_) => self.identity.name.clone(),
        }
    }

    fn run(mut self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag) {
        let mut backoff = FIRST_BACKOFF;
        let mut captured_before = false;
        let mut abandoned = 0;
        loop {
            let (reason, stream) = match self.attempt(&health, &stop) {
                None => break,
                Some(Err(e)) => (e.to_string(), None),
                Some(Ok(capture)) => {
                    if captured_before {
                        health.on_reconnect();
                    }
                    captured_before = true;
                    let since = Instant::now();
                    let (outcome, stream) = self.watch(capture, &events, &health, &stop);
                    if since.elapsed() >= GOOD_AFTER {
                        backoff = FIRST_BACKOFF;
                    }
                    match outcome {
                        Outcome::Lost(reason) => (reason, Some(stream)),
                        Outcome::Stopped => {
                            close(stream, &mut abandoned, &stop);
                            break;
                        }
                    }
                }
            };
            let listened = events
                .send(SourceEvent::State(StateChange::reconnecting(reason)))
                .is_ok();
            // The next stream is opened after this one has released the device.
            if let Some(stream) = stream {
                close(stream, &mut abandoned, &stop);
            }
            if !listened || stop.wait(backoff) {
                break;
            }
            backoff = (backoff * 2).min(LAST_BACKOFF);
        }
        let _ = events.send(SourceEvent::State(StateChange::ended(None)));
    }
}

impl DeviceSource {
    /// Finds the device and a format that it offers.
    ///
    /// # Errors
    /// When no device, or more than one, has the requested name, or when the device cannot be
    /// used in the requested format.
    pub fn open(choice: InputDevice, options: &SourceOptions) -> Result<Self, AudioError> {
        let identity = log_alsa_messages(|| {
            let device = find(&choice)?;
            choose_config(&device, options)?;
            Ok(Identity::of(&device))
        });
        let identity = identity.map_err(|e| match (&choice, e) {
            (InputDevice::Default, AudioError::Device { reason, .. }) => {
                AudioError::NoDevice { reason }
            }
            (_, e) => e,
        })?;
        Ok(Self {
            choice,
            options: options.clone(),
            identity,
        })
    }

    /// Finds the device again and opens a stream; `None` when stopped meanwhile.
    fn attempt(
        &self,
        health: &Arc<Health>,
        stop: &StopFlag,
    ) -> Option<Result<Capture, AudioError>> {
        let (choice, identity) = (self.choice.clone(), self.identity.clone());
        let (options, health) = (self.options.clone(), health.clone());
        let opened = in_background("device-open", move || {
            log_alsa_messages(|| capture(&find_again(&choice, &identity)?, &options, &health))
        });
        match opened {
            Ok(opened) => wait_for(&opened, stop),
            Err(e) => Some(Err(AudioError::Device {
                device: self.identity.name.clone(),
                reason: format!("no thread could be started for it: {e}"),
            })),
        }
    }

    /// Watches a stream until the device is lost or the source is stopped.
    fn watch(
        &mut self,
        capture: Capture,
        events: &Sender<SourceEvent>,
        health: &Health,
        stop: &StopFlag,
    ) -> (Outcome, cpal::Stream) {
        let Capture {
            stream,
            format,
            reader,
            error,
            identity,
        } = capture;
        self.identity = identity;
        let outcome = match events.send(SourceEvent::Started { format, reader }) {
            Err(_) => Outcome::Stopped,
            Ok(()) => self.watch_callbacks(&|| error.fatal(), events, health, stop),
        };
        (outcome, stream)
    }

    fn watch_callbacks(
        &self,
        fatal: &dyn Fn() -> Option<&'static str>,
        events: &Sender<SourceEvent>,
        health: &Health,
        stop: &StopFlag,
    ) -> Outcome {
        let stall_after = self.options.stall_after;
        let started = Instant::now();
        let mut stalled = false;
        loop {
            if stop.wait(POLL) {
                return Outcome::Stopped;
            }
            if let Some(reason) = fatal() {
                return Outcome::Lost(reason.into());
            }
            // Callbacks of an earlier stream do not count.
            let running = started.elapsed();
            let silent = health
                .snapshot()
                .since_last_callback
                .map_or(running, |s| s.min(running));
            if silent >= stall_after * STALLS_UNTIL_RECONNECT {
                return Outcome::Lost(format!(
                    "no sound from the device for {:.1} s",
                    silent.as_secs_f64()
                ));
            }
            let event = match (stalled, silent >= stall_after) {
                (false, true) => SourceEvent::State(StateChange::stalled(format!(
                    "no sound from the device for {:.1} s",
                    silent.as_secs_f64()
                ))),
                (true, false) => SourceEvent::Resumed,
                _ => continue,
            };
            stalled = !stalled;
            if events.send(event).is_err() {
                return Outcome::Stopped;
            }
        }
    }
}

/// Closes a stream, or abandons it when that hangs.
fn close(stream: cpal::Stream, abandoned: &mut u32, stop: &StopFlag) {
    let begin = Instant::now();
    let Ok(closed) = in_background("device-close", move || drop(stream)) else {
        return;
    };
    while let Err(RecvTimeoutError::Timeout) = closed.recv_timeout(POLL) {
        let within = match stop.is_stopped() {
            true => CLOSE_AT_STOP,
            false if *abandoned < MAX_ABANDONED => CLOSE_WITHIN,
            false => Duration::MAX,
        };
        if begin.elapsed() >= within {
            *abandoned += 1;
            tracing::warn!("the sound system does not close a stream; the stream is abandoned");
            return;
        }
    }
}

/// Runs `work` on a thread of its own; the receiver gets its result.
fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<Receiver<T>> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            let _ = sender.send(work());
        })?;
    Ok(receiver)
}

/// Waits for the result of [`in_background`]; `None` when the stop flag is set first.
fn wait_for<T>(work: &Receiver<T>, stop: &StopFlag) -> Option<T> {
    loop {
        match work.recv_timeout(POLL) {
            Ok(done) => return Some(done),
            Err(RecvTimeoutError::Timeout) if !stop.is_stopped() => {}
            Err(_) => return None,
        }
    }
}
