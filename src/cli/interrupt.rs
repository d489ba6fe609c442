//! Signals. The first that ends the program does so in order, the second at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, anyhow};
use crossbeam_channel::Receiver;
use signal_hook::consts::signal::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::audio::StopFlag;

/// Signals that end the daemon. SIGHUP is not one of them: it is "read the configuration again", and comes also when a
/// terminal closes.
const ENDING_DAEMON: [i32; 3] = [SIGINT, SIGTERM, SIGQUIT];
/// Their default is to kill the daemon, with a voice left open.
const NOT_ENDING_DAEMON: [i32; 4] = [SIGHUP, SIGUSR1, SIGUSR2, SIGALRM];
const PROBLEM: &str = "cannot handle the signals that end the program";

/// A channel that receives one message at the first SIGINT, SIGTERM or SIGHUP.
pub fn signals() -> anyhow::Result<Receiver<()>> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    // The only message there ever is has room.
    on_first_signal(move || _ = sender.try_send(()))?;
    Ok(receiver)
}

/// The same as a flag, for work that checks it between its steps.
pub fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    on_first_signal(move || flag.store(true, Ordering::Relaxed))?;
    Ok(stop)
}

/// The same as a flag that also ends waits.
pub fn stop() -> anyhow::Result<StopFlag> {
    let stop = StopFlag::new();
    let flag = stop.clone();
    on_first_signal(move || flag.stop())?;
    Ok(stop)
}

/// What the first signal does.
type Action = Box<dyn Fn() + Send>;

fn on_first_signal(act: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    static ACTIONS: Mutex<Vec<Action>> = Mutex::new(Vec::new());
    static HANDLED: OnceLock<Result<(), String>> = OnceLock::new();
    let actions = || ACTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    actions().push(Box::new(act));
    let seen = AtomicBool::new(false);
    // A process has one handler, however many commands it runs one after the other.
    let handled = HANDLED.get_or_init(|| {
        ctrlc::set_handler(move || match seen.swap(true, Ordering::Relaxed) {
            false => actions().iter().for_each(|act| act()),
            true => end_at_once(),
        })
        .map_err(|e| e.to_string())
    });
    match handled {
        Ok(()) => Ok(()),
        Err(e) => Err(anyhow!("{PROBLEM}: {e}")),
    }
}

/// The signals of the daemon.
pub struct DaemonSignals {
    /// Receives one message, at the first signal that ends the daemon.
    pub end: Receiver<()>,
    /// Receives a message at SIGHUP. Several at once are one.
    pub reload: Receiver<()>,
}

/// Watches the signals of the daemon. It survives every signal that can be survived.
pub fn daemon_signals() -> anyhow::Result<DaemonSignals> {
    let (sender, end) = crossbeam_channel::bounded(1);
    let (reloads, reload) = crossbeam_channel::bounded(1);
    let mut signals =
        Signals::new(ENDING_DAEMON.iter().chain(&NOT_ENDING_DAEMON)).context(PROBLEM)?;
    let watch = move || {
        let mut seen = false;
        for signal in signals.forever() {
            match (ENDING_DAEMON.contains(&signal), seen) {
                (true, false) => {
                    seen = true;
                    _ = sender.try_send(());
                }
                (true, true) => end_at_once(),
                (false, _) if signal == SIGHUP => _ = reloads.try_send(()),
                (false, _) => log_ignored(signal),
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(watch)
        .context(PROBLEM)?;
    Ok(DaemonSignals { end, reload })
}

fn log_ignored(signal: i32) {
    let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal");
    tracing::warn!("{name} is ignored: SIGINT or SIGTERM end vocald in order");
}

fn end_at_once() -> ! {
    // SAFETY: _exit ends the process and touches nothing. `exit` would run libtorch's destructors
    // while the inference thread is inside libtorch.
    unsafe { libc::_exit(1) }
}
