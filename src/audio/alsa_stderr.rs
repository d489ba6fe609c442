//! Redirects ALSA's error output from stderr to the log.
//!
//! alsa-lib writes to stderr for every device that does not open, and a search for devices tries
//! many.

/// Runs `work`. What alsa-lib writes on this thread meanwhile is logged at debug level.
#[cfg(target_os = "linux")]
pub(crate) fn log_alsa_messages<T>(work: impl FnOnce() -> T) -> T {
    let captured = alsa::Output::local_error_handler();
    let result = work();
    if let Ok(captured) = captured {
        let text = captured.borrow().to_string();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            tracing::debug!("ALSA: {line}");
        }
        // Replaces the handler and its full buffer by a new one.
        drop(alsa::Output::local_error_handler());
    }
    result
}

/// Runs `work`: there is no ALSA on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn log_alsa_messages<T>(work: impl FnOnce() -> T) -> T {
    work()
}
