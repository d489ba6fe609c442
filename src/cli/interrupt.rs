//! Ctrl-C and SIGTERM: the first ends everything in order, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use crossbeam_channel::Receiver;

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

fn on_first_signal(act: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let seen = AtomicBool::new(false);
    ctrlc::set_handler(move || match seen.swap(true, Ordering::Relaxed) {
        false => act(),
        true => end_at_once(),
    })
    .context("cannot handle the signals that end the program")
}

fn end_at_once() -> ! {
    // SAFETY: _exit ends the process and touches nothing. `exit` would run libtorch's destructors
    // while the inference thread is inside libtorch.
    unsafe { libc::_exit(1) }
}
