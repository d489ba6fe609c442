//! ALSA's library writes to stderr about every device that does not open, and looking for
//! devices means trying many. What it says goes to the log instead.

/// Does `work` with what ALSA says meanwhile on this thread in the log, at debug level.
#[cfg(target_os = "linux")]
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let said = alsa::Output::local_error_handler();
    let done = work();
    if let Ok(said) = said {
        let said = said.borrow().to_string();
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            tracing::debug!("ALSA: {line}");
        }
        // A new handler with an empty buffer takes the place of the full one.
        drop(alsa::Output::local_error_handler());
    }
    done
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    work()
}
