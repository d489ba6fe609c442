//! The process's limit of open files, which every client counts towards.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files beside the clients' connections: the program's own files, devices and sockets.
const OTHER_HANDLES: u64 = 128;

/// Raises the limit (often 1024) to what `clients` need. If the system allows less, logs a warning with the number of
/// clients that fit.
pub fn allow(clients: usize) {
    let needed = clients as u64 + OTHER_HANDLES;
    let limit = getrlimit(Resource::Nofile);
    let Some(now) = limit.current.filter(|&now| now < needed) else {
        return;
    };
    let possible = limit.maximum.map_or(needed, |most| most.min(needed));
    let raised = Rlimit {
        current: Some(possible),
        ..limit
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => possible,
        Err(_) => now,
    };
    if allowed < needed {
        tracing::warn!(
            "clients_max requires {clients} clients, but the system allows {allowed} open files: \
             room for some {} (raise ulimit -n, or LimitNOFILE= in the unit)",
            allowed.saturating_sub(OTHER_HANDLES)
        );
    }
}
