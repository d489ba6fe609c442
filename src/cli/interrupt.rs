//! Ctrl-C and SIGTERM: the first ends everything in order, the second ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::anyhow;
use crossbeam_channel::Receiver;

use crate::audio::StopFlag;

/// A channel that receives one message at the first signal.
pub fn signals() -> anyhow::Result<Receiver<()>> {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    // The only message there ever is has room.
    on_first_signal(move || _ = sender.try_send(()))?;
    Ok(receiver)
}

/// A flag that the first signal sets, for work that checks it between its steps.
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
        Err(e) => Err(anyhow!(
            "cannot handle the signals that end the program: {e}"
        )),
    }
}

fn end_at_once() -> ! {
    // SAFETY: _exit ends the process and touches nothing. `exit` would run libtorch's destructors
    // while the inference thread is inside libtorch.
    unsafe { libc::_exit(1) }
}
