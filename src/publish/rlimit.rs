//! The process's limit of open files, which every client counts towards.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are opened later: devices, the sound server, a broker, commands.
const LATER_HANDLES: u64 = 32;

/// Raises the limit (often 1024) to what `clients` need. Returns the number of clients for which there is room:
/// fewer, with a warning, if the system allows less.
pub fn allow(clients: usize) -> usize {
    let others = open_files() + LATER_HANDLES;
    let needed = clients as u64 + others;
    let limit = getrlimit(Resource::Nofile);
    let Some(now) = limit.current.filter(|&now| now < needed) else {
        return clients;
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
    if allowed >= needed {
        return clients;
    }
    let room = allowed.saturating_sub(others);
    tracing::warn!(
        "clients_max requires {clients} clients, but the system allows {allowed} open files: \
         {room} clients at most are served (raise ulimit -n, or LimitNOFILE= in the unit)"
    );
    usize::try_from(room).unwrap_or(clients)
}

/// The number of files that this process has open.
fn open_files() -> u64 {
    let listed = std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd"));
    listed.map_or(0, |files| files.count() as u64)
}
