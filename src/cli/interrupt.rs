//! Signals. The first that ends the program does so in order, the second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use crossbeam_channel::Receiver;
use signal_hook::consts::signal::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

/// Signals that end a program in order.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGQUIT, SIGHUP];
/// Those of the daemon: its terminal may close, and service managers send SIGHUP for "read the configuration anew".
const ENDING_DAEMON: [i32; 3] = [SIGINT, SIGTERM, SIGQUIT];
/// Their default is to kill the daemon, with a voice left open.
const IGNORED_BY_DAEMON: [i32; 4] = [SIGHUP, SIGUSR1, SIGUSR2, SIGALRM];

/// A channel that receives one message at the first signal.
pub fn signals() -> anyhow::Result<Receiver<()>> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    // The only message there ever is has room.
    on_first_signal(&ENDING, &[], move || _ = sender.try_send(()))?;
    Ok(receiver)
}

/// The same for the daemon, which survives every other signal that can be survived.
pub fn daemon_signals() -> anyhow::Result<Receiver<()>> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    on_first_signal(&ENDING_DAEMON, &IGNORED_BY_DAEMON, move || {
        _ = sender.try_send(());
    })?;
    Ok(receiver)
}

/// A flag that the first signal sets, for work that checks it between its steps.
pub fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    on_first_signal(&ENDING, &[], move || flag.store(true, Ordering::Relaxed))?;
    Ok(stop)
}

fn on_first_signal(
    ending: &'static [i32],
    ignored: &[i32],
    act: impl Fn() + Send + 'static,
) -> anyhow::Result<()> {
    let problem = "cannot handle the signals that end the program";
    let mut signals = Signals::new(ending.iter().chain(ignored)).context(problem)?;
    let watch = move || {
        let mut seen = false;
        for signal in signals.forever() {
            match (ending.contains(&signal), std::mem::replace(&mut seen, true)) {
                (true, false) => act(),
                (true, true) => end_at_once(),
                (false, before) => {
                    seen = before;
                    log_ignored(signal);
                }
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(watch)
        .context(problem)?;
    Ok(())
}

fn log_ignored(signal: i32) {
    match signal {
        SIGHUP => tracing::warn!(
            "SIGHUP is ignored: the configuration is read at the start only; restart vocald to apply a change"
        ),
        other => {
            let name = signal_hook::low_level::signal_name(other).unwrap_or("a signal");
            tracing::warn!("{name} is ignored: SIGINT or SIGTERM end vocald in order");
        }
    }
}

fn end_at_once() -> ! {
    // SAFETY: _exit ends the process and touches nothing. `exit` would run libtorch's destructors
    // while the inference thread is inside libtorch.
    unsafe { libc::_exit(1) }
}
