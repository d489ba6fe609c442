//! Default paths of the daemon's Unix socket.

use std::env::{split_paths, var_os};
use std::path::{Path, PathBuf};

const NAME: &str = "vocald.sock";
/// Folder of the daemon that runs as a system service.
const SERVICE: &str = "/run/vocald";

/// Where a daemon listens unless it is configured otherwise: in `$RUNTIME_DIRECTORY`, which systemd sets for a service;
/// otherwise in `$XDG_RUNTIME_DIR`; otherwise `/run/vocald.sock`.
pub fn default_path() -> PathBuf {
    let service = var_os("RUNTIME_DIRECTORY").and_then(|folders| split_paths(&folders).next());
    let folder = service.filter(|folder| !folder.as_os_str().is_empty());
    match folder.or_else(user_folder) {
        Some(folder) => folder.join(NAME),
        None => Path::new("/run").join(NAME),
    }
}

/// Where a client looks for a daemon unless it is given an address: the user's own, otherwise the system service's if it
/// runs. The folder shows that, also to a user who may not look into it.
pub fn usual_path() -> PathBuf {
    let own = default_path();
    let service = Path::new(SERVICE);
    match !own.exists() && service.is_dir() {
        true => service.join(NAME),
        false => own,
    }
}

fn user_folder() -> Option<PathBuf> {
    let folder = var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    folder.map(PathBuf::from)
}
