//! Real-time priority for the threads that sound passes through, where the system grants it.
//!
//! It is granted by `RLIMIT_RTPRIO`: `LimitRTPRIO=` in the service's unit, `rtprio` in `/etc/security/limits.conf`, as for
//! other programs for sound. rtkit would need a connection to D-Bus. Memory is not locked: the ring holds two seconds,
//! and with libtorch it would be 300 MB.

use std::io;
use std::sync::Once;

/// A thread on the way of the sound. Below the priorities of sound servers (70 to 90) and interrupts (50).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Takes sound from the device.
    Capture,
    /// Takes sound from the ring and makes windows of it.
    Feed,
}

impl Stage {
    fn priority(self) -> i32 {
        match self {
            Self::Capture => 20,
            Self::Feed => 10,
        }
    }
}

/// Requests real-time priority for the calling thread. One system call: it neither allocates, locks nor blocks.
///
/// # Errors
/// When the system does not grant it.
#[cfg(target_os = "linux")]
pub fn request(stage: Stage) -> io::Result<()> {
    // Processes that it starts, as commands at onsets, have ordinary priority.
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: all zeros is a valid value of the structure, which has more fields on some systems.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = stage.priority();
    // SAFETY: the call reads the structure and changes the calling thread alone.
    match unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Requests real-time priority for the calling thread.
///
/// # Errors
/// Always: it is only implemented on Linux.
#[cfg(not(target_os = "linux"))]
pub fn request(_: Stage) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// [`request`], and logs the first refusal of the run.
pub fn request_or_log(stage: Stage) {
    static LOGGED: Once = Once::new();
    if let Err(error) = request(stage) {
        LOGGED.call_once(|| {
            tracing::info!(
                "no real-time priority for capture: {error}; LimitRTPRIO=20 in the unit, or rtprio 20 in \
                 /etc/security/limits.conf, grants it"
            );
        });
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_grants_is_the_threads_priority() {
        let thread = std::thread::spawn(|| {
            let granted = request(Stage::Feed);
            // SAFETY: asks for the policy of the calling thread.
            let policy = unsafe { libc::sched_getscheduler(0) } & !libc::SCHED_RESET_ON_FORK;
            match granted {
                Ok(()) => assert_eq!(policy, libc::SCHED_FIFO),
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(libc::EPERM));
                    assert_eq!(policy, libc::SCHED_OTHER);
                }
            }
        });
        thread.join().unwrap();
    }
}
