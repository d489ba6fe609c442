//! Keeps a device captured: detects its loss, looks for it and opens it again.
//!
//! A device that is not there is a state, not an end. Opening and closing run on threads of their own, because
//! either may hang in a driver or a sound server while the supervisor must react to its stop flag.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use vocald_client::message::StateChange;

use super::format::choose_config;
use super::selection::{Identity, InputDevice, find, find_again};
use super::stream::{Capture, capture};
use crate::audio::alsa_stderr::log_alsa_messages;
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

/// A device that is captured from and looked up again whenever it is lost.
pub(in crate::audio) struct DeviceSource {
    choice: InputDevice,
    options: SourceOptions,
    /// `None` until the device was found.
    identity: Option<Identity>,
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
            InputDevice::Named(name) => match &self.identity {
                Some(identity) => identity.name.clone(),
                None => name.clone(),
            },
        }
    }

    fn run(mut self: Box<Self>, events: Sender<SourceEvent>, health: Arc<Health>, stop: StopFlag) {
        let mut backoff = FIRST_BACKOFF;
        let mut captured_before = false;
        loop {
            let (reason, stream) = match self.attempt(&health, &stop) {
                None => break,
                Some(Err(e)) if !captured_before && e.is_permanent() => {
                    let failed = StateChange::failed(e.to_string());
                    let _ = events.send(SourceEvent::State(failed));
                    return;
                }
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
                            close(stream, &stop);
                            break;
                        }
                    }
                }
            };
            let state = match captured_before {
                true => StateChange::reconnecting(reason),
                false => StateChange::waiting(reason),
            };
            let listened = events.send(SourceEvent::State(state)).is_ok();
            // The next stream is opened after this one has released the device.
            if let Some(stream) = stream {
                close(stream, &stop);
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
    /// Unless the device is waited for: finds it and a format that it offers.
    ///
    /// # Errors
    /// When the device is not waited for and no device, or more than one, has the requested name, or it cannot be
    /// used in the requested format.
    pub fn open(choice: InputDevice, options: &SourceOptions) -> Result<Self, AudioError> {
        if options.wait {
            return Ok(Self {
                choice,
                options: options.clone(),
                identity: None,
            });
        }
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
            identity: Some(identity),
        })
    }

    /// Finds the device, the same as before, and opens a stream; `None` when stopped meanwhile.
    fn attempt(
        &self,
        health: &Arc<Health>,
        stop: &StopFlag,
    ) -> Option<Result<Capture, AudioError>> {
        let (choice, identity) = (self.choice.clone(), self.identity.clone());
        let (options, health) = (self.options.clone(), health.clone());
        let opened = in_background("device-open", move || {
            log_alsa_messages(|| {
                let device = match &identity {
                    Some(identity) => find_again(&choice, identity)?,
                    None => find(&choice)?,
                };
                capture(&device, &options, &health)
            })
        });
        match opened {
            Ok(opened) => wait_for(&opened, stop),
            Err(e) => Some(Err(AudioError::Device {
                device: self.label(),
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
        self.identity = Some(identity);
        let outcome = match events.send(SourceEvent::Started { format, reader }) {
            Err(_) => Outcome::Stopped,
            Ok(()) => self.watch_callbacks(&|| error.fatal(), health, stop),
        };
        (outcome, stream)
    }

    fn watch_callbacks(
        &self,
        fatal: &dyn Fn() -> Option<&'static str>,
        health: &Health,
        stop: &StopFlag,
    ) -> Outcome {
        let started = Instant::now();
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
            if silent >= self.options.reopen_after {
                return Outcome::Lost(format!(
                    "no sound from the device for {:.1} s",
                    silent.as_secs_f64()
                ));
            }
        }
    }
}

/// Closes a stream, or abandons it when that hangs.
fn close(stream: cpal::Stream, stop: &StopFlag) {
    let begin = Instant::now();
    let Ok(closed) = in_background("device-close", move || drop(stream)) else {
        return;
    };
    while let Err(RecvTimeoutError::Timeout) = closed.recv_timeout(POLL) {
        let within = match stop.is_stopped() {
            true => CLOSE_AT_STOP,
            false => CLOSE_WITHIN,
        };
        if begin.elapsed() >= within {
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
