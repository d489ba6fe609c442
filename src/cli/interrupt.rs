//! Ctrl-C and SIGTERM: the first asks everything to end in order, the second ends at once.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;

use crate::audio::StopFlag;

/// A flag that the first signal sets.
pub fn stop_flag() -> anyhow::Result<StopFlag> {
    let stop = StopFlag::new();
    let asked = AtomicBool::new(false);
    ctrlc::set_handler({
        let stop = stop.clone();
        move || {
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(1);
            }
            stop.stop();
        }
    })
    .context("the signals that end the program cannot be caught")?;
    Ok(stop)
}
