//! Default path of the daemon's Unix socket.

use std::path::{Path, PathBuf};

const NAME: &str = "vocald.sock";

/// `$XDG_RUNTIME_DIR/vocald.sock`, or `/run/vocald.sock` if the variable is unset or empty.
pub fn default_path() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => Path::new(&folder).join(NAME),
        None => Path::new("/run").join(NAME),
    }
}
