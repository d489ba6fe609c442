//! Keeps a device captured: notices that it is gone, looks for it, and starts again.
//!
//! A vanished device is a state, not an end. Opening and closing happen on threads of their own,
//! for both may hang in a driver or a sound server, and this one must hear its stop flag.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::audio::alsa_stderr::quietly;
use crate::audio::device::{Capture, DeviceSource, capture, find_again};
use crate::audio::{AudioError, Health, InputDevice, Source, SourceEvent, StopFlag};

/// How often the stream and the stop flag are looked at.
const POLL: Duration = Duration::from_millis(20);
/// After this many stall times without a callback, the stream is made anew.
const STALLS_UNTIL_RECONNECT: u32 = 3;
/// Waits between attempts: a replugged cable is back within the first, and a device that stays
/// away costs a look every 5 s.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LAST_BACKOFF: Duration = Duration::from_secs(5);
/// A stream that lived this long was a good one: the next trouble begins with the first wait.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// A stream that takes longer to close is left behind with its threads: libpulse 16 deadlocks
/// for good when its server dies.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// At the end of the source nobody needs to wait that long.
const CLOSE_AT_STOP: Duration = Duration::from_millis(500);
/// So many streams are left behind at most; after that, closing is waited for.
const MAX_LEFT_BEHIND: u32 = 16;

/// Why a part of the supervisor's work ended.
enum Outcome {
    /// The stop flag is set, or nobody listens.
    Over,
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
        let mut left_behind = 0;
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
                        Outcome::Over => {
                            close(stream, &mut left_behind, &stop);
                            break;
                        }
                    }
                }
            };
            let listened = events.send(SourceEvent::Reconnecting { reason }).is_ok();
            // The next stream is not opened before this one has let go of the device.
            if let Some(stream) = stream {
                close(stream, &mut left_behind, &stop);
            }
            if !listened || stop.wait(backoff) {
                break;
            }
            backoff = (backoff * 2).min(LAST_BACKOFF);
        }
        let _ = events.send(SourceEvent::Ended);
    }
}

impl DeviceSource {
    /// Looks the device up and starts a stream; `None` when stopped meanwhile.
    fn attempt(
        &self,
        health: &Arc<Health>,
        stop: &StopFlag,
    ) -> Option<Result<Capture, AudioError>> {
        let (choice, identity) = (self.choice.clone(), self.identity.clone());
        let (options, health) = (self.options.clone(), health.clone());
        let opened = in_background("device-open", move || {
            quietly(|| capture(&find_again(&choice, &identity)?, &options, &health))
        });
        match opened {
            Ok(opened) => wait_for(&opened, stop),
            Err(e) => Some(Err(AudioError::Device {
                device: self.identity.name.clone(),
                reason: format!("no thread could be started for it: {e}"),
            })),
        }
    }

    /// Lets a stream run until it is lost or it is time to end.
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
            state,
            identity,
        } = capture;
        self.identity = identity;
        let outcome = match events.send(SourceEvent::Started { format, reader }) {
            Err(_) => Outcome::Over,
            Ok(()) => self.watch_callbacks(&|| state.broken(), events, health, stop),
        };
        (outcome, stream)
    }

    fn watch_callbacks(
        &self,
        broken: &dyn Fn() -> Option<&'static str>,
        events: &Sender<SourceEvent>,
        health: &Health,
        stop: &StopFlag,
    ) -> Outcome {
        let stall_after = self.options.stall_after;
        let started = Instant::now();
        let mut stalled = false;
        loop {
            if stop.wait(POLL) {
                return Outcome::Over;
            }
            if let Some(reason) = broken() {
                return Outcome::Lost(reason.into());
            }
            // A callback of an earlier stream says nothing about this one.
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
                (false, true) => SourceEvent::Stalled {
                    reason: format!("no sound from the device for {:.1} s", silent.as_secs_f64()),
                },
                (true, false) => SourceEvent::Resumed,
                _ => continue,
            };
            stalled = !stalled;
            if events.send(event).is_err() {
                return Outcome::Over;
            }
        }
    }
}

/// Closes a stream, or leaves it behind when that hangs.
fn close(stream: cpal::Stream, left_behind: &mut u32, stop: &StopFlag) {
    let begin = Instant::now();
    let Ok(closed) = in_background("device-close", move || drop(stream)) else {
        return;
    };
    while let Err(RecvTimeoutError::Timeout) = closed.recv_timeout(POLL) {
        let within = match stop.is_stopped() {
            true => CLOSE_AT_STOP,
            false if *left_behind < MAX_LEFT_BEHIND => CLOSE_WITHIN,
            false => Duration::MAX,
        };
        if begin.elapsed() >= within {
            *left_behind += 1;
            tracing::warn!("the sound system does not close a stream; it is left behind");
            return;
        }
    }
}

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

/// Waits for work in the background; `None` when the stop flag is set first.
fn wait_for<T>(work: &Receiver<T>, stop: &StopFlag) -> Option<T> {
    loop {
        match work.recv_timeout(POLL) {
            Ok(done) => return Some(done),
            Err(RecvTimeoutError::Timeout) if !stop.is_stopped() => {}
            Err(_) => return None,
        }
    }
}
