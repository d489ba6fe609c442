//! Every client takes a file handle, and a process may often open no more than 1024 until it asks.

/// Handles beside the clients': the program's own files, devices and sockets.
const OTHER_HANDLES: u64 = 128;

/// Has the system allow as many handles as `clients` need. Where it does not, a warning says how
/// many clients there is room for.
#[cfg(unix)]
pub fn allow(clients: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = clients as u64 + OTHER_HANDLES;
    let limit = getrlimit(Resource::Nofile);
    let Some(now) = limit.current.filter(|&now| now < needed) else {
        return;
    };
    let wanted = limit.maximum.map_or(needed, |most| most.min(needed));
    let raised = Rlimit {
        current: Some(wanted),
        ..limit
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(_) => now,
    };
    if allowed < needed {
        tracing::warn!(
            "clients_max asks for {clients} clients, but the system allows {allowed} open files: \
             room for some {} (ulimit -n, or LimitNOFILE= in the unit)",
            allowed.saturating_sub(OTHER_HANDLES)
        );
    }
}

#[cfg(not(unix))]
pub fn allow(_clients: usize) {}
